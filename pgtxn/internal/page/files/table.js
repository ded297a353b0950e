import { element, show } from "./text.js";

/**
 * Table shows a list of values, a row for each. Rows are known by their keys and changed where they stand, so that the
 * focus and what is selected stay where they are.
 *
 * A column has a title and text(value), and may have a kind and mark(value): words that style.css knows.
 */
export class Table {
	/** @param makeFirst makes what the first cell of a value holds, to be filled with its text; the cell itself if it is left out. */
	constructor(region, columns, key, empty, makeFirst) {
		Object.assign(this, { columns, key, empty, makeFirst, rows: new Map() });
		this.body = element("tbody");
		const titles = columns.map((c) => element("th", { scope: "col", class: c.kind ?? "" }, c.title));
		this.table = element("table", { "aria-labelledby": region.getAttribute("aria-labelledby") },
			element("thead", {}, element("tr", {}, ...titles)), this.body);
		this.nothing = element("p", { class: "empty" });
		region.append(this.table, this.nothing);
	}

	update(values) {
		const gone = new Set(this.rows.keys());
		values.forEach((value, i) => {
			const key = this.key(value);
			gone.delete(key);
			const row = this.rows.get(key) ?? this.add(key, value);
			this.fill(row, value);
			if (this.body.children[i] !== row) {
				this.body.insertBefore(row, this.body.children[i] ?? null);
			}
		});
		for (const key of gone) {
			this.rows.get(key).remove();
			this.rows.delete(key);
		}
		this.say(values.length ? "" : this.empty);
	}

	/** say shows a sentence in place of rows. */
	say(sentence) {
		this.table.hidden = sentence !== "";
		show(this.nothing, sentence);
	}

	add(key, value) {
		const row = element("tr");
		for (const [i, column] of this.columns.entries()) {
			const cell = element(i ? "td" : "th", { class: column.kind ?? "", ...(i === 0 && { scope: "row" }) });
			if (i === 0 && this.makeFirst) {
				cell.append(this.makeFirst(value));
			}
			row.append(cell);
		}
		this.rows.set(key, row);
		return row;
	}

	fill(row, value) {
		this.columns.forEach((column, i) => {
			const cell = row.children[i];
			show(cell.firstElementChild ?? cell, column.text(value));
			const mark = column.mark?.(value) ?? "";
			if ((cell.dataset.mark ?? "") !== mark) {
				cell.dataset.mark = mark;
			}
		});
	}
}
