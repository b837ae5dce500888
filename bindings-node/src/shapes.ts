// How each answer is read, see `types.ts` for what comes out.

import { list, object, type Reader } from "./decode.js";
import { date } from "./instants.js";

/** A page of entries that are all read alike. */
export function page(item: Reader): Reader {
  return object({ items: list(item) });
}

export const rule = object({ created_at: date, updated_at: date });
export const ruleVersion = object({ at: date });
export const updated = object({ affects: list(object()) });

const reused = list(object());
export const dependencies = object({ reused });
export const runSegment = object({ reused });
export const run = object({ as_of: date, segments: list(runSegment), failed: list(object()), skipped: list(object()) });
export const runEvent = object();

export const segmentAbout = object({ last_refreshed_at: date, as_of: date });
export const segmentVersion = object({ as_of: date });
export const segmentEntry = object({ last_refreshed_at: date, current: segmentVersion });
export const segmentChange = object({ as_of: date });

export const preview = object({ steps: list(object()) });
const explained: Reader = (value) => explainedObject(value);
const explainedObject = object({ window: object({ start: date, end: date }), parts: list(explained) });
export const explanation = object({ as_of: date, root: explained });
export const overlap = object({ segments: list(object()), pairs: list(object()) });
export const lineage = object({ nodes: list(object({ as_of: date })), edges: list(object()) });

export const field = object();
export const source = object({ read_at: date });
export const summary = object({ last_run: run });

const damaged = list(object());
const checked = object({ damaged });
export const check: Reader = (value) => ({ ...checked(value), isSound: value.damaged.length === 0 });
export const vacuumed = object({ damaged });
export const forgotten = object({ picked_by: list(object()) });
export const storeStatus = object({ tables: list(object({ read_at: date })) });

export const dueRule = object({ firing: date });
export const schedulerStatus = object({
  last_turn: date,
  run: object({ since: date }),
  queued: list(object({ requested_at: date })),
  rules: list(
    object({
      due_since: date,
      running_since: date,
      next_run: date,
      refreshed: date,
      missed_at: date,
      retry_at: date,
    }),
  ),
});
export const engineStatus = object({
  running: object({ started_at: date, stage_since: date, progress: runEvent }),
  last_published_at: date,
  last_error: object({ at: date }),
  failing: list(object({ since: date, last: date })),
});
