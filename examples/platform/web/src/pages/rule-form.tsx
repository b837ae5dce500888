// The form of a rule, new or not, with what the server says of it while it is edited.
import { useEffect, useMemo, useRef, useState } from "react";
import { useBlocker, useNavigate, useParams, useSearchParams } from "react-router";
import { ApiError, type Problem } from "../api/client";
import { useFields, useRule, useRuleNames, useSaveRule } from "../api/queries";
import type { Document } from "../api/types";
import { sameJson } from "../lib/json";
import { Builder } from "../rule/builder";
import { CombineCard } from "../rule/combine-card";
import { ProblemList, SurroundingsContext } from "../rule/context";
import { fromForm, toForm } from "../rule/document";
import { EMPTY, parseRule, writeRule, type Draft } from "../rule/draft";
import { PreviewPanel, ReusePanel } from "../rule/live-panels";
import { ScheduleCard } from "../rule/schedule-card";
import { TextForm } from "../rule/text-form";
import { useLive } from "../rule/use-live";
import { RuleHistory } from "../rule/history";
import { Card, Dialog, PageHeader } from "../ui/controls";
import { Failure, Loading } from "../ui/states";
import { useToast } from "../ui/toasts";

export default function RuleForm() {
  const { id } = useParams();
  const [params] = useSearchParams();
  const from = params.get("from") ?? undefined;
  const rule = useRule(id ?? from);
  const fields = useFields();
  const error = rule.error ?? fields.error;
  if (error && (!rule.data || !fields.data)) return <div className="card"><Failure error={error} retry={() => { void rule.refetch(); void fields.refetch(); }} /></div>;
  if (!fields.data || ((id ?? from) && !rule.data)) return <div className="card"><Loading rows={9} /></div>;
  const copy = (document: Document): Document => { const { id: _id, version: _version, ...rest } = document; return { ...rest, rule_name: `${String(document.rule_name)} (copy)` }; };
  const document = id ? rule.data! : from ? copy(rule.data!) : EMPTY;
  return <Form key={id ?? `new ${from}`} id={id ? Number(id) : undefined} document={document} fields={fields.data} reload={() => void rule.refetch()} />;
}

interface FormProps { id?: number; document: Document; fields: NonNullable<ReturnType<typeof useFields>["data"]>; reload: () => void }

function Form({ id, document: stored, fields, reload }: FormProps) {
  const [origin] = useState(stored);
  const [draft, setDraft] = useState(() => parseRule(stored));
  const [refused, setRefused] = useState<Problem[]>([]);
  const [tried, setTried] = useState(false);
  const names = useRuleNames();
  const save = useSaveRule();
  const toast = useToast();
  const navigate = useNavigate();
  const document = useMemo(() => writeRule(draft), [draft]);
  const initial = useMemo(() => writeRule(parseRule(origin)), [origin]);
  const changed = !sameJson(document, initial);
  // Whether what is on the form is saved, or given up, so that leaving it asks nothing.
  const leaving = useRef(false);
  const live = useLive(document, id !== undefined && draft.rule_name === origin.rule_name);
  const blocker = useBlocker(({ currentLocation, nextLocation }) => changed && !leaving.current && currentLocation.pathname !== nextLocation.pathname);
  useEffect(() => {
    if (!changed) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changed]);

  const change = (part: Partial<Draft>) => { setDraft((old) => ({ ...old, ...part })); setRefused([]); };
  const unnamed: Problem[] = tried && draft.rule_name.trim() === "" ? [{ code: "bad_name", path: "/rule_name", message: "a rule needs a name" }] : [];
  // The server does not know that it is this rule which has the name.
  const found = live.problems.filter((p) => !(id !== undefined && p.code === "duplicate_name" && draft.rule_name === origin.rule_name));
  const problems = [...unnamed, ...found, ...refused.filter((r) => !found.some((p) => p.path === r.path && p.code === r.code))];
  const stale = save.error instanceof ApiError && save.error.status === 412;
  const conditions = useMemo(() => fromForm(draft.query), [draft.query]);

  const submit = () => {
    setTried(true);
    if (draft.rule_name.trim() === "") return window.document.getElementById("rule-name")?.focus();
    save.mutate({ id, version: typeof origin.version === "number" ? origin.version : undefined, document }, {
      onSuccess: (answer) => { leaving.current = true; toast(id === undefined ? `“${draft.rule_name}” was created.` : `“${draft.rule_name}” was saved.`); void navigate(id === undefined && answer.rule_id ? `/rules?search=${encodeURIComponent(draft.rule_name)}` : "/rules"); },
      onError: (error) => { if (error instanceof ApiError) setRefused(error.problems.length ? error.problems : error.status === 412 ? [] : [{ code: error.code, path: "", message: error.message, hint: error.hint }]); },
    });
  };
  const restore = (wording: Document) => setDraft({ ...parseRule({ ...wording, ...(origin.id !== undefined && { id: origin.id }) }), origin: wording });
  const nameProblems = problems.filter((p) => p.path === "/rule_name");
  const shown = (path: string) => /^\/(rule_name|conditions|schedule|timezone|start_date|end_date|depends_on|operation|include|exclude)(\/|$)/.test(path);
  const elsewhere = problems.filter((p) => !shown(p.path ?? "") || p.path === "/conditions");

  return (
    <SurroundingsContext value={{ fields, rules: names.data ?? [], problems, self: id }}>
      <form onSubmit={(e) => { e.preventDefault(); submit(); }} noValidate>
        <PageHeader back={{ to: "/rules", label: "Rules" }} title={id === undefined ? "New rule" : String(origin.rule_name)} actions={
          <>
            <label className="mr-2 flex items-center gap-2 text-sm text-soft"><input type="checkbox" className="check" checked={draft.enabled} onChange={(e) => change({ enabled: e.target.checked })} />Enabled</label>
            <button type="button" className="button" onClick={() => void navigate("/rules")}>Cancel</button>
            <button type="submit" className="button primary" disabled={save.isPending || (id !== undefined && !changed)}>{save.isPending ? "Saving…" : id === undefined ? "Create rule" : "Save changes"}</button>
          </>
        } />
        {stale && <div className="card mb-5 flex flex-wrap items-center gap-3 border-l-4 !border-l-warn px-5 py-3.5 text-sm" role="alert"><span className="flex-1">Somebody else has changed this rule since you opened it. Your changes were not saved.</span><button type="button" className="button small" onClick={() => { reload(); save.reset(); location.reload(); }}>Load their version</button></div>}
        {elsewhere.length > 0 && <div className="card mb-5 px-5 pt-2 pb-3"><ProblemList problems={elsewhere} /></div>}
        <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1.75fr)_minmax(0,1fr)]">
          <div className="min-w-0 space-y-5">
            <Card>
              <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)]">
                <div><label className="label" htmlFor="rule-name">Name</label><input id="rule-name" className="input" maxLength={200} value={draft.rule_name} aria-invalid={nameProblems.length > 0 || undefined} aria-describedby="name-problems" onChange={(e) => change({ rule_name: e.target.value })} /><ProblemList id="name-problems" problems={nameProblems} /></div>
                <div><label className="label" htmlFor="rule-description">Description</label><input id="rule-description" className="input" value={draft.description} placeholder="What the audience is for" onChange={(e) => change({ description: e.target.value })} /></div>
              </div>
            </Card>
            <Card title="Who belongs" aside={problems.length > 0 ? <span className="badge danger">{problems.length} {problems.length === 1 ? "problem" : "problems"}</span> : live.checking ? "Checking…" : <span className="badge ok">Valid</span>}>
              <Builder label="Conditions" query={draft.query} base="/conditions" onChange={(query) => change({ query })} />
              {draft.query.rules.length === 0 && draft.depends_on.length === 0 && <p className="hint mt-3">Without any condition {draft.query.combinator === "or" ? "nobody" : "everyone"} belongs.</p>}
            </Card>
            <ScheduleCard draft={draft} onChange={change} />
            <CombineCard draft={draft} onChange={change} />
            {id !== undefined && <RuleHistory id={id} onRestore={restore} />}
          </div>
          <div className="min-w-0 space-y-5 xl:sticky xl:top-6">
            <Card title="Preview" flush><PreviewPanel preview={live.preview} document={document} problems={problems.length} stale={live.stale} /></Card>
            <Card title="As text"><TextForm conditions={conditions} document={document} onChange={(next) => change({ query: { ...toForm(next) }, hasConditions: true })} /></Card>
            <Card title="Reuse found" flush><ReusePanel reuse={live.reuse} document={document} /></Card>
          </div>
        </div>
      </form>
      {blocker.state === "blocked" && (
        <Dialog title="Leave without saving?" onClose={() => blocker.reset()} actions={<><button type="button" className="button" onClick={() => blocker.reset()}>Stay</button><button type="button" className="button danger" onClick={() => { leaving.current = true; blocker.proceed(); }}>Leave</button></>}>
          <p>Your changes to this rule are lost if you leave now.</p>
        </Dialog>
      )}
    </SurroundingsContext>
  );
}
