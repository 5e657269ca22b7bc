import { expect, it } from "vitest";

import defaults from "../../../../../shared/domain/service-settings/default.json";
import { parse } from "./settings";

it("settings have a number in each field of the form, and a missing one is named", () => {
  expect(parse(defaults)).toEqual(defaults);
  const { uploads, ...limits } = defaults.plans.free;
  expect(uploads).toBeGreaterThan(0);
  expect(parse({ ...defaults, plans: { ...defaults.plans, free: limits } })).toBe("plans.free.uploads");
  expect(parse({ ...defaults, fraud_rules: {} })).toBe("fraud_rules.payments_per_hour");
  for (const broken of [null, [], 7, {}]) expect(parse(broken)).toBe("plans.free.retention_days");
});
