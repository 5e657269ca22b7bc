/** The reply templates: support changes the list as a whole. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { Area, Field } from "../ui/field";
import { useIdempotencyKey, useMutation, useQuery } from "../ui/query";
import { ErrorNotice, Loading } from "../ui/states";
import { forgetTemplates, loadTemplates, type Templates } from "./template-choice";
import { staffText } from "./text";

const MOST = 40;

export function ReplyTemplates() {
  const t = staffText.value.cases.templates;
  // Afresh: another member may have changed them since this page used them last.
  const query = useQuery(() => {
    forgetTemplates();
    return loadTemplates();
  });
  return (
    <details class="card">
      <summary>{t.title}</summary>
      {!query.data && query.busy && <Loading />}
      <ErrorNotice error={query.error} retry={query.refetch} />
      {query.data && <Editor key={query.data.version} templates={query.data} reload={query.refetch} />}
    </details>
  );
}

function Editor({ templates: { version, templates }, reload }: { templates: Templates; reload: () => Promise<void> }) {
  const t = staffText.value.cases.templates;
  const mutation = useMutation();
  const key = useIdempotencyKey();
  // Each has a number of its own, which stays when others are removed.
  const [list, setList] = useState(() => templates.map((template, number) => ({ ...template, number })));
  const change = (number: number, changed: Partial<Schema["ReplyTemplate"]>) =>
    setList((list) => list.map((one) => (one.number === number ? { ...one, ...changed } : one)));
  const add = () =>
    setList((list) => [...list, { name: "", text: "", number: Math.max(-1, ...list.map((one) => one.number)) + 1 }]);
  const submit = (event: Event) => {
    event.preventDefault();
    void mutation.run(async () => {
      const body = { version, templates: list.map(({ name, text }) => ({ name: name.trim(), text })) };
      const params = key.paramsFor(body);
      await unwrap(api.PUT("/v1/staff/reply-templates", { params, body }));
      key.reset();
      await reload();
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <p class="small muted">{t.hint}</p>
      {list.map(({ name, text, number }, index) => (
        <fieldset key={number} class="stack tight">
          <legend class="label">{t.numbered(index + 1)}</legend>
          <Field
            label={t.name}
            required
            maxlength={80}
            autocomplete="off"
            value={name}
            onValue={(name) => change(number, { name })}
          />
          <Area
            label={t.text}
            required
            maxlength={2000}
            rows={4}
            value={text}
            onValue={(text) => change(number, { text })}
          />
          <div class="row">
            <button
              type="button"
              class="button small"
              onClick={() => setList((list) => list.filter((one) => one.number !== number))}
            >
              {t.remove}
              <span class="visually-hidden">: {name}</span>
            </button>
          </div>
        </fieldset>
      ))}
      <ErrorNotice error={mutation.error} />
      <div class="row">
        <button type="button" class="button" disabled={list.length >= MOST} onClick={add}>
          {t.add}
        </button>
        <button type="submit" class="button primary" disabled={mutation.busy}>
          {t.save}
        </button>
      </div>
    </form>
  );
}
