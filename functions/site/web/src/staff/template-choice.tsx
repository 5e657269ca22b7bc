/** Chooses a reply template: its text is put into the form, where it can be changed before it is sent. */
import { api, type Schema, unwrap } from "../api/client";
import { service } from "../service";
import { Select } from "../ui/field";
import { useQuery } from "../ui/query";
import { staffText } from "./text";

export type Templates = Schema["ReplyTemplatesView"];

let loaded: Promise<Templates> | undefined;

/** Loads the templates, once for all forms of a page. */
export function loadTemplates(): Promise<Templates> {
  loaded ??= unwrap<Templates>(api.GET("/v1/staff/reply-templates")).catch((error) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

/** Has the templates loaded again, as they were changed. */
export function forgetTemplates(): void {
  loaded = undefined;
}

/** Puts the name of the service and the id of the ticket into a template. */
export function fill(template: string, ticket: string): string {
  return template.replaceAll("{service}", () => service.value.name).replaceAll("{ticket}", ticket);
}

export function TemplateChoice({ ticket, onChosen }: { ticket: string; onChosen: (text: string) => void }) {
  const t = staffText.value.cases.templates;
  const { data } = useQuery(loadTemplates);
  if (!data?.templates.length) return null;
  const choose = (name: string) => {
    const template = data.templates.find((template) => template.name === name);
    if (template) onChosen(fill(template.text, ticket));
  };
  return (
    <Select
      label={t.choose}
      value=""
      onValue={choose}
      options={[{ value: "", label: t.none }, ...data.templates.map(({ name }) => ({ value: name, label: name }))]}
    />
  );
}
