/** A page where everyone can check what a file tells about how it was made. */
import { useState } from "preact/hooks";

import { api, type Schema, unwrap } from "../api/client";
import { text } from "../text";
import { useDropAndPaste } from "../ui/drop-and-paste";
import { Icon } from "../ui/icon";
import { Page } from "../ui/page";
import { useMutation } from "../ui/query";
import { ErrorNotice } from "../ui/states";

/** The largest file that the service checks, in bytes. */
const MAX_BYTES = 4 << 20;
const CONTENT_TYPES = ["image/jpeg", "image/png", "image/webp", "video/mp4", "video/webm"];

export function Check() {
  const t = text.value.provenance;
  const mutation = useMutation();
  const [isDragging, setDragging] = useState(false);
  const [name, setName] = useState("");
  const [message, setMessage] = useState<string>();
  const [result, setResult] = useState<Schema["ProvenanceView"]>();

  const check = (file: File | null | undefined) => {
    if (!file) return;
    setName(file.name);
    setResult(undefined);
    if (file.size > MAX_BYTES) return setMessage(t.tooLarge(file.name));
    if (!CONTENT_TYPES.includes(file.type) || file.size === 0) return setMessage(t.unsupported(file.name));
    setMessage(undefined);
    void mutation.run(async () => setResult(await send(file)));
  };
  useDropAndPaste(CONTENT_TYPES, check, setDragging);
  return (
    <Page title={t.title} lead={t.lead} narrow>
      <div class={isDragging ? "drop-zone drag-over" : "drop-zone"}>
        <Icon name="upload" />
        <div class="stack tight">
          <p class="small muted">{t.hint}</p>
          {message && (
            <p class="field-error" role="alert">
              {message}
            </p>
          )}
          <div class="row">
            <label class="button small file-button">
              <input
                type="file"
                accept={CONTENT_TYPES.join()}
                aria-label={t.file}
                onChange={(event) => {
                  check(event.currentTarget.files?.[0]);
                  event.currentTarget.value = "";
                }}
              />
              {t.chooseFile}
            </label>
          </div>
        </div>
      </div>
      {!message && <ErrorNotice error={mutation.error} />}
      <div role="status">
        {mutation.busy && (
          <p>
            <bdi>{t.checking(name)}</bdi>
          </p>
        )}
        {result && <Result name={name} result={result} />}
      </div>
    </Page>
  );
}

function send(file: File): Promise<Schema["ProvenanceView"]> {
  return unwrap(
    api.POST("/v1/provenance/check", {
      body: file as unknown as string,
      bodySerializer: (body) => body,
      headers: { "content-type": "application/octet-stream" },
    }),
  );
}

function Result({ name, result }: { name: string; result: Schema["ProvenanceView"] }) {
  const t = text.value.provenance;
  return (
    <section class="stack" aria-labelledby="result">
      <h2 id="result">
        <bdi>{t.results(name)}</bdi>
      </h2>
      {result.techniques.map((technique) => (
        <Technique key={technique.technique} {...technique} />
      ))}
    </section>
  );
}

function Technique({ technique, verdict, explanation, manifest, source_type }: Schema["TechniqueView"]) {
  const t = text.value.provenance;
  const source = (term: string) => {
    const word = term.split("/").pop() ?? term;
    return t.sources[word] ?? word;
  };
  const facts: [string, string[]][] = [
    [t.signer, manifest?.signer ? [manifest.signer] : []],
    [t.generator, manifest?.claim_generator ? [manifest.claim_generator] : []],
    [
      t.actions,
      (manifest?.actions ?? []).map(({ action, source_type }) => {
        const done = t.actionNames[action] ?? action;
        return source_type ? `${done} (${source(source_type)})` : done;
      }),
    ],
    [
      t.ingredients,
      (manifest?.ingredients ?? []).map(
        ({ signer, claim_generator }) => [claim_generator, signer].filter(Boolean).join(", ") || t.unsignedFile,
      ),
    ],
    [t.source, source_type ? [source(source_type)] : []],
    [t.problems, manifest?.problems ?? []],
  ];
  return (
    <div class="card stack tight">
      <h3>{t.techniques[technique] ?? technique}</h3>
      <p>
        <strong>{t.verdicts[verdict]}</strong>
      </p>
      <p>{t.meanings[technique]?.[verdict] || explanation}</p>
      <dl class="facts small">
        {facts
          .filter(([, values]) => values.length > 0)
          .map(([label, values]) => (
            <div key={label}>
              <dt class="muted">{label}</dt>
              {values.map((value) => (
                <dd key={value}>
                  <bdi>{value}</bdi>
                </dd>
              ))}
            </div>
          ))}
      </dl>
    </div>
  );
}
