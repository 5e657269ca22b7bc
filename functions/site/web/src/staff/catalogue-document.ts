/** The document of the catalogue: what differs between two of them, and how one is read from text. */
import type { Schema } from "../api/client";

export type Document = Schema["Catalogue"];
export type Model = Document["models"][number];
export type Package = Document["packages"][number];

/** A field that differs, by its path. What is undefined on one side is absent there. */
export interface Change {
  field: string;
  before: unknown;
  after: unknown;
}

/** The fields by which members of lists are told apart, whatever their position is. */
const NAMES = ["id", "key", "quality", "currency"];

/** Returns the fields that differ, in the order of the document. A list whose members have other positions is one of them. */
export function changes(before: Document, after: Document): Change[] {
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

/** Returns the document in a text, or why it is none. The API checks its rules. */
export function parseDocument(text: string): Document | { error: string } {
  try {
    const value: unknown = JSON.parse(text);
    return isDocument(value) ? value : { error: "margin_percent, models, packages" };
  } catch (error) {
    return { error: (error as SyntaxError).message };
  }
}

/** Whether a value has everything that the form shows. */
function isDocument(value: unknown): value is Document {
  const { margin_percent, models, packages } = fields(value);
  return typeof margin_percent === "number" && all(models, isModel) && all(packages, isPackage);
}

function isModel(value: unknown): boolean {
  const { id, title, price } = fields(value);
  const { credits, per, qualities = [] } = fields(price);
  const texts = [id, title, per].every((text) => typeof text === "string");
  return texts && typeof credits === "number" && all(qualities, (tier) => typeof fields(tier).credits === "number");
}

function isPackage(value: unknown): boolean {
  const { id, title, credits, prices } = fields(value);
  const texts = [id, title].every((text) => typeof text === "string");
  return texts && typeof credits === "number" && all(prices, (price) => /^[A-Z]{3}$/.test(`${fields(price).currency}`));
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};

const all = (value: unknown, holds: (member: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(holds);

/** Returns the list with another member at a position. */
export const replaced = <T>(list: readonly T[], position: number, member: T): T[] =>
  list.map((other, index) => (index === position ? member : other));

/** Returns a model with another price of a quality; the first one is the price of the model too. */
export function withQualityPrice(model: Model, position: number, credits: number): Model {
  const { price } = model;
  const qualities = (price.qualities ?? []).map((tier, index) => (index === position ? { ...tier, credits } : tier));
  return { ...model, price: { ...price, qualities, credits: qualities[0]?.credits ?? price.credits } };
}
