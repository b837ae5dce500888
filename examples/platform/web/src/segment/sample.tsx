// Some users of a segment, with their names first.
import { useSample } from "../api/queries";
import { cell } from "../lib/format";
import { readable } from "../rule/language";
import { Empty, Loaded } from "../ui/states";

export function SampleTable({ id }: { id: string }) {
  const sample = useSample(id);
  return (
    <Loaded query={sample} rows={8}>
      {({ columns, data }) =>
        data.length === 0 ? <Empty icon="user" title="Nobody is in this segment" /> : (
          <div className="max-h-[36rem] overflow-auto" tabIndex={0} role="region" aria-label="Sample of users">
            <table className="table">
              <thead className="sticky top-0 bg-surface"><tr>{columns.map((c) => <th key={c} scope="col">{readable(c)}</th>)}</tr></thead>
              <tbody>{data.map((row, i) => <tr key={i}>{columns.map((c, j) => <td key={c} className={`whitespace-nowrap ${j === 0 ? "tabular-nums text-muted" : j === 1 ? "font-medium" : ""}`}>{cell(row[j])}</td>)}</tr>)}</tbody>
            </table>
          </div>
        )
      }
    </Loaded>
  );
}
