// Figures for the dashboard.

import * as S from "../schemas.js";
import { snake } from "../shapes.js";
import { errors, type App, type Context } from "./context.js";

const tags = ["analytics"];

export function analyticsRoutes(app: App, { engine, lookups }: Context): void {
  app.get(
    "/analytics/summary",
    { schema: { tags, summary: "Totals of users, transactions, spend, rules and segments", response: { 200: S.Summary } } },
    async () => snake(await lookups.summary()),
  );

  app.get(
    "/analytics/sizes",
    {
      schema: {
        tags,
        summary: "The sizes of segments over time, a page of segments",
        querystring: S.Searching,
        response: { 200: S.Sizes, ...errors(422) },
      },
    },
    async ({ query }) => {
      const { items } = await engine.segments({ page: query.page, perPage: query.per_page, search: query.search });
      const points = await Promise.all(items.map((entry) => lookups.versions(entry)));
      return snake({
        items: items.map(({ id, ruleId, segmentName }, at) => ({ ruleId, segmentId: id, segmentName, points: points[at] })),
      });
    },
  );
}
