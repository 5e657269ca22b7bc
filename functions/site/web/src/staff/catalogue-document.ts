/** The document of the catalogue: what its form needs to find in it. */
import type { Schema } from "../api/client";
import { fieldsOf } from "./document-changes";

export type Document = Schema["Catalogue"];
export type Model = Document["models"][number];
export type Package = Document["packages"][number];

/** Returns the catalogue that a value is, or the fields that the form shows and that it lacks. */
export const parseCatalogue = (value: unknown): Document | string =>
  isDocument(value) ? value : "margin_percent, models, packages";

/** Whether a value has everything that the form shows. */
function isDocument(value: unknown): value is Document {
  const { margin_percent, models, packages } = fieldsOf(value);
  return typeof margin_percent === "number" && all(models, isModel) && all(packages, isPackage);
}

function isModel(value: unknown): boolean {
  const { id, title, price } = fieldsOf(value);
  const { credits, per, qualities = [] } = fieldsOf(price);
  const texts = [id, title, per].every((text) => typeof text === "string");
  return texts && typeof credits === "number" && all(qualities, (tier) => typeof fieldsOf(tier).credits === "number");
}

function isPackage(value: unknown): boolean {
  const { id, title, credits, prices } = fieldsOf(value);
  const texts = [id, title].every((text) => typeof text === "string");
  return (
    texts && typeof credits === "number" && all(prices, (price) => /^[A-Z]{3}$/.test(`${fieldsOf(price).currency}`))
  );
}

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
