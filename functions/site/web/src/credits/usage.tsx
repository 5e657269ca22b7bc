/** The credits that were used in a period. */
import { text } from "../text";
import { Empty } from "../ui/states";
import { StatementPage } from "./statement";
import { UsageChart } from "./usage-chart";

export function Usage() {
  return (
    <StatementPage>
      {({ entries, from, to }) =>
        entries.length > 0 ? (
          <UsageChart entries={entries} from={from} to={to} />
        ) : (
          <Empty title={text.value.credits.noUsage} />
        )
      }
    </StatementPage>
  );
}
