/** Amounts that people type. */

/** Returns how many digits of an amount follow the decimal point: two for euros, none for yen. */
export function fractionDigits(currency: string): number {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/** Returns an amount such as `2.50` or `2,50`, with so many digits of a fraction, in its smallest unit. */
export const smallestUnits = (amount: string, digits: number): number =>
  amount.trim() === "" ? Number.NaN : Math.round(Number(amount.trim().replace(",", ".")) * 10 ** digits);

/** Returns the text of an amount in its smallest unit, as a person types it. */
export const typedAmount = (units: number, digits: number): string =>
  Number.isNaN(units) ? "" : (units / 10 ** digits).toFixed(digits);
