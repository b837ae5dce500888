// The list of rules, with what can be done to each.
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { ApiError } from "../api/client";
import { useDeleteRule, useRules, useTrigger } from "../api/queries";
import type { Rule } from "../api/types";
import { scheduleInWords } from "../lib/cron";
import { ago, dateTime } from "../lib/format";
import { useListing } from "../lib/use-listing";
import { Card, Dialog, Menu, PageHeader, Pages, SearchBox } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Empty, Loaded } from "../ui/states";
import { useToast } from "../ui/toasts";

export default function Rules() {
  const { listing, search, setPage, setSearch } = useListing(10);
  const rules = useRules(listing);
  const [deleting, setDeleting] = useState<Rule | null>(null);
  const create = <Link to="/rules/new" className="button primary"><Icon name="plus" />New rule</Link>;
  return (
    <>
      <PageHeader title="Rules" lead="Each rule says who belongs to an audience. Its segment follows on schedule, or when you ask." actions={create} />
      <Card flush>
        <div className="border-b border-line p-4"><SearchBox value={search} onChange={setSearch} label="Search rules" /></div>
        <Loaded query={rules} rows={8}>
          {(page) =>
            page.items.length === 0 ? (
              search ? <Empty icon="search" title={`No rule matches “${search}”`} action={<button type="button" className="button" onClick={() => setSearch("")}>Show all rules</button>} />
                : <Empty icon="rules" title="No rules yet" action={create}>A rule can be as simple as “everyone in Mumbai who paid in the last 30 days”.</Empty>
            ) : (
              <>
                <RuleTable rules={page.items} onDelete={setDeleting} />
                <Pages {...page} noun="rule" onPage={setPage} />
              </>
            )
          }
        </Loaded>
      </Card>
      {deleting && <DeleteDialog rule={deleting} onClose={() => setDeleting(null)} />}
    </>
  );
}

function RuleTable({ rules, onDelete }: { rules: Rule[]; onDelete: (rule: Rule) => void }) {
  const navigate = useNavigate();
  const trigger = useTrigger();
  const toast = useToast();
  const run = (rule: Rule) =>
    trigger.mutate(rule.id, {
      onSuccess: () => toast(<>“{rule.rule_name}” is queued to run. <Link className="prose-link" to="/runs">Follow it</Link></>),
      onError: (error) => toast(error.message, true),
    });
  return (
    <div className="overflow-x-auto">
      <table className="table">
        <thead><tr><th scope="col">Rule</th><th scope="col" className="max-lg:hidden">Schedule</th><th scope="col" className="max-md:hidden">Next run</th><th scope="col" className="max-sm:hidden">State</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={rule.id}>
              <td className="max-w-[26rem]">
                <Link to={`/rules/edit/${rule.id}`} className="link">{rule.rule_name}</Link>
                {rule.description && <p className="mt-0.5 line-clamp-2 text-[0.8rem] text-muted">{rule.description}</p>}
                <p className="mt-1 text-[0.8rem] text-muted lg:hidden">{scheduleInWords(rule.schedule) ?? rule.schedule ?? "Only by hand"}</p>
              </td>
              <td className="max-w-[14rem] text-soft max-lg:hidden">
                {scheduleInWords(rule.schedule) ?? rule.schedule ?? <span className="text-muted">Only by hand</span>}
                {rule.schedule && rule.timezone && <span className="block text-[0.8rem] text-muted">{rule.timezone}</span>}
              </td>
              <td className="whitespace-nowrap text-soft max-md:hidden"><span title={dateTime(rule.next_run)}>{rule.next_run ? ago(rule.next_run) : "–"}</span></td>
              <td className="max-sm:hidden"><State rule={rule} /></td>
              <td>
                <div className="flex items-center justify-end gap-1">
                  <button type="button" className="button small max-sm:!w-[30px] max-sm:!p-0" disabled={trigger.isPending} onClick={() => run(rule)} aria-label={`Run ${rule.rule_name} now`}><Icon name="play" size={13} /><span className="max-sm:hidden">Run</span></button>
                  <Menu label={`More for ${rule.rule_name}`} items={[
                    { label: "Edit", icon: "edit", onSelect: () => void navigate(`/rules/edit/${rule.id}`) },
                    { label: "Duplicate", icon: "copy", onSelect: () => void navigate(`/rules/new?from=${rule.id}`) },
                    { label: "Delete", icon: "trash", danger: true, onSelect: () => onDelete(rule) },
                  ]} />
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function State({ rule }: { rule: Rule }) {
  if (rule.enabled === false) return <span className="badge">Paused</span>;
  return rule.schedule ? <span className="badge ok">Scheduled</span> : <span className="badge accent">By hand</span>;
}

function DeleteDialog({ rule, onClose }: { rule: Rule; onClose: () => void }) {
  const remove = useDeleteRule();
  const toast = useToast();
  const refused = remove.error instanceof ApiError && remove.error.status === 409 ? remove.error : null;
  // The refusal names each rule that is in the way as "name" (id).
  const dependents = [...(refused?.message ?? "").matchAll(/"((?:[^"\\]|\\.)*)" \((\d+)\)/g)].map(([, name, id]) => ({ id: Number(id), name }));
  const go = () => remove.mutate(rule.id, { onSuccess: () => { toast(`“${rule.rule_name}” was deleted.`); onClose(); } });
  return (
    <Dialog title={refused ? "This rule is in use" : `Delete “${rule.rule_name}”?`} onClose={onClose} actions={
      <>
        <button type="button" className="button" onClick={onClose}>{refused ? "Close" : "Keep it"}</button>
        {!refused && <button type="button" className="button danger" disabled={remove.isPending} onClick={go}>Delete rule</button>}
      </>
    }>
      {refused ? (
        <>
          <p>{dependents.length > 0 ? `“${rule.rule_name}” can’t be deleted, because these rules need its segment:` : `${refused.message}.`}</p>
          {dependents.length > 0 && (
            <ul className="mt-3 space-y-1">{dependents.map((d) => <li key={d.id}><Link className="prose-link" to={`/rules/edit/${d.id}`}>{d.name}</Link></li>)}</ul>
          )}
          <p className="mt-3 text-muted">{refused.hint ?? "Change or delete the rules that need it first."}</p>
        </>
      ) : (
        <>
          <p>The rule and its segment go away. Rules that use this segment would lose it, so it is refused while there are any.</p>
          {remove.error && <p role="alert" className="mt-3 text-danger">{remove.error.message}</p>}
        </>
      )}
    </Dialog>
  );
}
