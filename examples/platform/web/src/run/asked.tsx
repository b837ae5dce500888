// A run that was asked for: what it tells while it goes on, and a way to stop it.
import { useMutation } from "@tanstack/react-query";
import { call } from "../api/client";
import { useRefreshAll, useRuleNames } from "../api/queries";
import type { AskedRun } from "../api/types";
import { ago } from "../lib/format";
import { useToast } from "../ui/toasts";
import { useEvents } from "./use-events";

export function Asked({ run }: { run: AskedRun }) {
  const names = useRuleNames();
  const refresh = useRefreshAll();
  const toast = useToast();
  const progress = useEvents(run.id, () => void refresh());
  const cancel = useMutation({ mutationFn: () => call<unknown>(`/runs/${run.id}`, { method: "DELETE" }), onSettled: () => void refresh(), onSuccess: () => toast("The run was cancelled; nothing was published."), onError: (error) => toast(error.message, true) });
  const title = run.rules.map((id) => names.data?.find((r) => r.id === id)?.name ?? `Rule ${id}`).join(", ");
  const share = Math.round(100 * progress.share);
  return (
    <li className="px-5 py-4 text-sm">
      <div className="mb-2.5 flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-semibold">{title}</span><span className="text-[0.8rem] text-muted">{progress.words ?? (run.state === "queued" ? "waiting for its turn" : "starting")} · asked {ago(run.asked_at)}</span>
        <button type="button" className="button small danger ml-auto" disabled={cancel.isPending} onClick={() => cancel.mutate()} aria-label={`Cancel the run of ${title}`}>Cancel</button>
      </div>
      <div className="bar" role="progressbar" aria-label={`Progress of ${title}`} aria-valuenow={share} aria-valuemin={0} aria-valuemax={100}><span style={{ width: `${Math.max(2, share)}%` }} /></div>
    </li>
  );
}
