/** What differs between two documents. */

/** A field that differs, by its path. What is undefined on one side is absent there. */
export interface Change {
  field: string;
  before: unknown;
  after: unknown;
}

/** The fields by which members of lists are told apart, whatever their position is. */
const NAMES = ["id", "key", "quality", "currency"];

/** Returns the fields that differ, in the order of the document. A list whose members have other positions is one of them. */
export function changes(before: unknown, after: unknown): Change[] {
  return compare("", before, after);
}

function compare(field: string, before: unknown, after: unknown): Change[] {
  if (isEmpty(before) && isEmpty(after)) return [];
  const [was, is] = [parts(before), parts(after)];
  if (!was || !is) return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ field, before, after }];
  const names = [...new Set([...was.keys(), ...is.keys()])];
  const found = names.flatMap((name) => compare(field ? `${field}.${name}` : name, was.get(name), is.get(name)));
  const order = (one: typeof was, other: typeof is) => [...one.keys()].filter((name) => other.has(name));
  const moved = Array.isArray(before) && String(order(was, is)) !== String(order(is, was));
  return moved ? [{ field, before: [...was.keys()], after: [...is.keys()] }, ...found] : found;
}

/** Whether a list is absent or has no members, which is the same. */
const isEmpty = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0);

/** Returns the parts of an object, or of a list whose members have names; undefined for everything else. */
function parts(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) {
    const named = value.map((member) => [nameOf(member), member] as const);
    const names = new Set(named.map(([name]) => name));
    return names.has(undefined) || names.size < named.length ? undefined : new Map(named as [string, unknown][]);
  }
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function nameOf(member: unknown): string | undefined {
  if (typeof member !== "object" || member === null) return undefined;
  const entries: Record<string, unknown> = { ...member };
  const name = NAMES.map((key) => entries[key]).find((value) => typeof value === "string");
  return name as string | undefined;
}

/**
 * Returns the document in a text, or why it is none. `parse` returns the document that a value is, or the fields that it lacks. The
 * API checks its rules.
 */
export function parseDocument<D>(
  text: string,
  parse: (value: unknown) => D | string,
): { document: D } | { error: string } {
  try {
    const document = parse(JSON.parse(text));
    return typeof document === "string" ? { error: document } : { document };
  } catch (error) {
    return { error: (error as SyntaxError).message };
  }
}

/** Returns the fields of an object; none of anything else. */
export const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};
