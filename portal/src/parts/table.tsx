// A table that stays one where a phone shows its rows as cards: browsers forget what is laid out as blocks, so the roles are written out.
import type { ComponentChildren } from 'preact';

interface Row { key: string; cells: ComponentChildren[] }
interface Tabled { name: string; heads: string[]; rows: Row[] }

export function Table({ name, heads, rows }: Tabled) {
  return (
    <div class="scroll"><table role="table" aria-label={name}>
      <thead role="rowgroup"><tr role="row">{heads.map(head => <th key={head} role="columnheader">{head}</th>)}</tr></thead>
      <tbody role="rowgroup">
        {rows.map(row => <tr key={row.key} role="row">{row.cells.map((cell, i) => <td key={i} role="cell" data-label={heads[i]}>{cell}</td>)}</tr>)}
      </tbody>
    </table></div>
  );
}
