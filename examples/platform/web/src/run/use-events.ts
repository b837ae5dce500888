// The events of a run as the server sends them.
import { useEffect, useRef, useState } from "react";
import { address } from "../api/client";

interface Told { event?: string; stage?: string; table?: string; done?: number; of?: number; rule_name?: string }
export interface RunProgress { share: number; words: string | null }

const STAGES: Record<string, string> = { read: "reading", store: "storing", evaluate: "working out who belongs" };

/** How far a run is after one more event. The share only grows: stages count anew, the run does not. */
export function after(before: RunProgress, told: Told): RunProgress {
  const part = told.of ? (told.done ?? 0) / told.of : 0;
  const grow = (share: number, words: string) => ({ share: Math.max(before.share, share), words });
  if (told.event === "started") return grow(0.03, "started");
  if (told.event === "progress") {
    const stage = `${STAGES[told.stage ?? ""] ?? told.stage}${told.table ? ` ${told.table.replaceAll("_", " ")}` : ""}`;
    return grow(told.stage === "evaluate" ? 0.5 + 0.3 * part : 0.05 + 0.45 * part, stage);
  }
  if (told.event === "evaluated" || told.event === "failed") return grow(0.8 + 0.15 * part, told.rule_name ?? "publishing");
  return told.event === "published" ? grow(1, "published") : before;
}

export function useEvents(id: number, onEnd: () => void): RunProgress {
  const [progress, setProgress] = useState<RunProgress>({ share: 0, words: null });
  const end = useRef(onEnd);
  end.current = onEnd;
  useEffect(() => {
    const source = new EventSource(address(`/runs/${id}/events`));
    const read = (event: MessageEvent<string>) => {
      try {
        setProgress((before) => after(before, JSON.parse(event.data) as Told));
      } catch {
        // An event that is no JSON tells nothing of how far the run is.
      }
    };
    const over = () => { source.close(); end.current(); };
    source.addEventListener("run", read);
    source.addEventListener("progress", read);
    for (const name of ["published", "failed", "cancelled"]) source.addEventListener(name, over);
    return () => source.close();
  }, [id]);
  return progress;
}
