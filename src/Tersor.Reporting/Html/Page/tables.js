"use strict";

/**
 * A table. A column is { title, number, key, cell }: key gives what rows are sorted by, cell what stands there; a column without a value in any row is left out.
 * A tall table scrolls below its headings, a short one fits a phone.
 * Sorting: a click ascends, the next descends, the third restores the order of the report.
 */
function table(columns, rows, { sortable = false, tall = false, short = false, rowClass = () => null, empty = "Nothing matches." } = {}) {
    const shown = columns.filter(c => rows.some(r => !isMissing(c.key(r))));
    const body = el("tbody");
    let order = null, visible = rows;
    const fill = () => {
        const sorted = order === null ? visible : visible.toSorted((a, b) => compare(order.column.key(a), order.column.key(b), order.descending));
        body.replaceChildren(...sorted.map(r => el("tr", { class: rowClass(r) }, shown.map(c => el("td", { class: classOf(c) }, isMissing(c.key(r)) ? el("span.dim", null, "–") : c.cell(r))))));
        if (sorted.length === 0)
            body.append(el("tr", null, el("td.empty", { colspan: shown.length }, empty)));
    };
    const heads = shown.map(c => el("th", { class: c.number ? "number" : null, scope: "col" }, sortable ? el("button", { type: "button", onclick: () => sortBy(c) }, c.title) : c.title));
    const sortBy = column => {
        order = order?.column !== column ? { column, descending: false } : order.descending ? null : { column, descending: true };
        heads.forEach((h, i) => {
            if (shown[i] === order?.column)
                h.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
            else
                h.removeAttribute("aria-sort");
        });
        fill();
    };
    fill();
    return {
        element: el(tall ? "div.scroll.tall" : short ? "div.scroll.short" : "div.scroll", { tabindex: tall ? 0 : null }, el("table", null, el("thead", null, el("tr", null, heads)), body)),
        show(some) {
            visible = some;
            fill();
        },
    };
}

function classOf(column) {
    return column.number ? "number" : column.wrap ? "wrap" : null;
}

function isMissing(value) {
    return value === null || value === undefined || value === "" || Number.isNaN(value);
}

/** Numbers by size, text by letters; what is missing comes last in both directions. */
function compare(a, b, descending) {
    if (isMissing(a) || isMissing(b))
        return isMissing(a) - isMissing(b);
    const result = typeof a === "number" ? (a < b ? -1 : a > b ? 1 : 0) : a.localeCompare(b, "en", { numeric: true });
    return descending ? -result : result;
}

/** A number that stands by itself: reasons that differ in such numbers only are one reason. */
const Quantity = /(?<=^|\s)[-+]?\d[\d,]*(?:\.\d+)?(?=$|[\s,;.)%])/g;

/** Names by what is said about them, the most frequent first: { what, names: [{ name, what }] }. */
function groupByReason(subjects) {
    const groups = new Map();
    for (const subject of subjects) {
        const key = subject.what.replace(Quantity, "\0");
        if (!groups.has(key))
            groups.set(key, []);
        groups.get(key).push(subject);
    }
    return [...groups.values()].map(names => ({ what: commonReason(names.map(n => n.what)), names })).sort((a, b) => b.names.length - a.names.length);
}

/** Reasons that differ in numbers only as one, with the least and greatest of them. */
function commonReason(reasons) {
    const numbers = reasons.map(r => r.match(Quantity) ?? []);
    let index = 0;
    return reasons[0].replace(Quantity, first => {
        const all = numbers.map(n => n[index]).toSorted((a, b) => parseFloat(a.replaceAll(",", "")) - parseFloat(b.replaceAll(",", "")));
        index++;
        return all[0] === all[all.length - 1] ? first : `${all[0]} to ${all[all.length - 1]}`;
    });
}

/** Groups of names that open. */
function groups(list) {
    return el("div.groups", null, list.map(g => el("details", null,
        el("summary", null, el("b", null, Numbers.count(g.names.length)), el("span", null, g.what)),
        el("ul", null, g.names.map(n => el("li", null, nameOf(n.name), n.what !== g.what && el("span.dim", null, n.what.match(Quantity)?.join(", ") ?? "")))))));
}
