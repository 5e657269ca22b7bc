/** The settings of the service: what plans allow, welcome credits, and the rules against payment fraud. */
import { api, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { Select } from "../ui/field";
import { fieldsOf } from "./document-changes";
import { DocumentDesk, type DocumentRoutes, type FormProperties } from "./document-desk";
import { DocumentForm, NumberField } from "./document-fields";
import { staffText } from "./text";

type Settings = Schema["ServiceSettings"];
type Limits = Settings["plans"]["free"];

const routes: DocumentRoutes<Settings> = {
  list: (query) => unwrap(api.GET("/v1/staff/settings/versions", { params: { query } })),
  version: (number) => unwrap(api.GET("/v1/staff/settings/versions/{number}", { params: { path: { number } } })),
  publish: (body, params) => unwrap(api.POST("/v1/staff/settings/versions", { params, body })),
};

const PLANS = ["free", "plus", "pro"] as const;
const LIMITS = [
  "retention_days",
  "jobs_in_flight",
  "outputs_per_generation",
  "output_pixels",
  "cancels_per_hour",
  "failed_calls_per_hour",
  "uploads_per_hour",
  "uploads",
  "upload_bytes",
  "shares_per_output",
] as const satisfies readonly (keyof Limits)[];
const RATES = ["per_minute", "burst"] as const;
const WELCOME = ["credits", "grants_per_day"] as const;
const FRAUD_RULES = [
  "payments_per_hour",
  "cards_per_hour",
  "new_account_days",
  "new_account_credits",
  "lost_disputes",
] as const;

/** The paths of the fields of the form: all numbers of the document. */
const FIELDS = new Set([
  "reason",
  ...PLANS.flatMap((plan) => [
    ...LIMITS.map((field) => `document.plans.${plan}.${field}`),
    ...RATES.map((field) => `document.plans.${plan}.submits.${field}`),
  ]),
  ...WELCOME.map((field) => `document.welcome.${field}`),
  ...FRAUD_RULES.map((field) => `document.fraud_rules.${field}`),
]);

export function Settings() {
  return (
    <DocumentDesk lead={staffText.value.settings.lead} routes={routes} shownFields={() => FIELDS} Form={SettingsForm} />
  );
}

function SettingsForm({ form, document, rule, onChange, onReview }: FormProperties<Settings>) {
  const t = staffText.value.settings;
  const { plans, welcome, fraud_rules } = document;
  return (
    <DocumentForm {...{ form, document, onChange, onReview }} hint={t.jsonHint} parse={parse}>
      {PLANS.map((plan) => (
        <PlanFields
          key={plan}
          title={t.plan(text.value.payments.plans[plan])}
          limits={plans[plan]}
          rule={(field) => rule(`document.plans.${plan}.${field}`)}
          onChange={(limits) => onChange({ ...document, plans: { ...plans, [plan]: limits } })}
        />
      ))}
      <fieldset class="card stack">
        <legend class="label">{t.welcome}</legend>
        <div class="field-grid">
          {WELCOME.map((field) => (
            <NumberField
              key={field}
              label={t.welcomeFields[field]}
              value={welcome[field]}
              error={rule(`document.welcome.${field}`)}
              onValue={(value) => onChange({ ...document, welcome: { ...welcome, [field]: value } })}
            />
          ))}
          <Select
            label={t.welcomeModels}
            value={welcome.models}
            options={(["free", "all"] as const).map((value) => ({ value, label: t.models[value] }))}
            onValue={(models) =>
              onChange({ ...document, welcome: { ...welcome, models: models === "all" ? "all" : "free" } })
            }
          />
        </div>
      </fieldset>
      <fieldset class="card stack">
        <legend class="label">{t.fraudRules}</legend>
        <div class="field-grid">
          {FRAUD_RULES.map((field) => (
            <NumberField
              key={field}
              label={t.fraudFields[field]}
              value={fraud_rules[field]}
              error={rule(`document.fraud_rules.${field}`)}
              onValue={(value) => onChange({ ...document, fraud_rules: { ...fraud_rules, [field]: value } })}
            />
          ))}
        </div>
      </fieldset>
    </DocumentForm>
  );
}

interface PlanProperties {
  title: string;
  limits: Limits;
  rule: (field: string) => string | undefined;
  onChange: (limits: Limits) => void;
}

function PlanFields({ title, limits, rule, onChange }: PlanProperties) {
  const t = staffText.value.settings;
  return (
    <fieldset class="card stack">
      <legend class="label">{title}</legend>
      <div class="field-grid">
        {LIMITS.map((field) => (
          <NumberField
            key={field}
            label={t.limits[field]}
            value={limits[field]}
            error={rule(field)}
            onValue={(value) => onChange({ ...limits, [field]: value })}
          />
        ))}
        {RATES.map((field) => (
          <NumberField
            key={field}
            label={t.submits[field]}
            value={limits.submits[field]}
            error={rule(`submits.${field}`)}
            onValue={(value) => onChange({ ...limits, submits: { ...limits.submits, [field]: value } })}
          />
        ))}
      </div>
    </fieldset>
  );
}

/** Returns the settings that a value is, or the first field that the form needs and that is no number. */
export function parse(value: unknown): Settings | string {
  const { plans, welcome, fraud_rules } = fieldsOf(value);
  const numbers = (path: string, fields: readonly string[], value: unknown) =>
    fields.map((field) => ({ path: `${path}.${field}`, value: fieldsOf(value)[field] }));
  const found = [
    ...PLANS.flatMap((plan) => {
      const limits = fieldsOf(plans)[plan];
      return [
        ...numbers(`plans.${plan}`, LIMITS, limits),
        ...numbers(`plans.${plan}.submits`, RATES, fieldsOf(limits).submits),
      ];
    }),
    ...numbers("welcome", WELCOME, welcome),
    ...numbers("fraud_rules", FRAUD_RULES, fraud_rules),
  ];
  const missing = found.find(({ value }) => typeof value !== "number");
  return missing ? missing.path : (value as Settings);
}
