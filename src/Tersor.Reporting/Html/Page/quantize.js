"use strict";

// Shows the report of a quantization. Its properties are those of QuantizeReport.

const report = JSON.parse(document.getElementById("report").textContent);
const chosen = report.candidates.find(c => c.chosen) ?? null;
const machine = report.machine ?? report.latency?.machine ?? null;
const speed = report.latency?.results?.length === 2 ? report.latency.results : null;
const judgedByMetric = report.metric !== undefined && figure(report.floatMetric) !== null;

const Modes = { Auto: "Quantization", Static: "Static quantization", Dynamic: "Dynamic quantization of matrix products to 8 bits", Weights: "Weights stored in 8 bits, computed with in float" };
const Forms = { Static: "static", Dynamic: "dynamic", Stored: "stored", Float: "float" };

function interval(value, format) {
    const low = figure(value.low), high = figure(value.high);
    return low === null || high === null ? null : `${format(low)} to ${format(high)}`;
}

/** Below which a metric, or above which where lower is better, a candidate is refused. */
function metricBudget() {
    const most = figure(report.budget?.maxDrop);
    return !judgedByMetric || most === null ? null : report.floatMetric + (report.higherIsBetter ? -most : most);
}

/** MeanSquaredError → mean squared error; other text as it is. */
function words(name) {
    return /^([A-Z][a-z]+)+$/.test(name) ? name.replace(/(?!^)[A-Z]/g, " $&").toLowerCase() : name;
}

// Header

function lead() {
    const layers = report.layers, count = form => layers.filter(l => l.form === form).length;
    const sentences = [Modes[report.mode]];
    if (layers.length > 0) {
        const forms = [[count("Static"), "under calibrated ranges"], [count("Dynamic"), "under ranges found at run time"]].filter(([n]) => n > 0);
        const how = forms.length === 1 ? forms[0][1] : forms.map(([n, what]) => `${Numbers.count(n)} ${what}`).join(", ");
        sentences[0] += `: ${Numbers.count(layers.length - count("Float") - count("Stored"))} of ${Numbers.plural(layers.length, "operator")} that have an 8-bit form compute in it${how ? `, ${how}` : ""}`;
    } else if (report.quantized.length > 0)
        sentences[0] += `: ${Numbers.plural(report.quantized.length, "node or weight", "nodes and weights")} changed, ${Numbers.count(report.float.length)} left as they were`;
    if (report.candidates.length > 1)
        sentences.push(`${Numbers.plural(report.candidates.length, "candidate")} were tried${isHeldOut() ? " on held-out samples" : ""}`);
    return `${sentences.join(". ")}.`;
}

function header() {
    const threads = report.latency?.threads;
    return el("section.hero", null,
        el("p.eyebrow", null, "Quantization report"),
        el("h1", null, fileName(report.input)),
        el("p.lead", null, lead()),
        report.noGain ? el("p.note", null, `No gain: ${report.noGain}. The input model was written as it is.`) : null,
        ["Likely", "Tolerable"].includes(report.verdict?.fit) ? el("p.note", null, `${Numbers.plural(report.verdict.samples, "sample")} cannot tell whether the result keeps within the limit: ${report.verdict.reason}.`) : null,
        terms("dl.facts", [
            ["Processor", machine && `${machine.cpu}, ${Numbers.plural(machine.cores, "logical processor")}`],
            ["Instruction sets", machine?.features.join(", ")],
            ["System", machine?.operatingSystem],
            ["Engine", machine && `ONNX Runtime ${machine.engine}`],
            ["Latency measured with", report.latency && `${threads === 0 ? "threads as the engine chooses" : Numbers.plural(threads, "thread")}, ${Numbers.plural(report.latency.rounds, "round")}`],
            ["Date", report.date && `${new Date(report.date).toISOString().slice(0, 16).replace("T", " ")} UTC`],
            ["Written", report.output && fileName(report.output)],
        ]));
}

// Big figures

/** Two bars of one scale. A bar is [label, share of the track, text, class]. */
function pair(bars, mark = null) {
    return el("div.pair", null, bars.map(([label, share, text, kind]) => [
        el("span.label", null, label),
        el("div.track", null, el(`div.fill${kind ? `.${kind}` : ""}`, { style: `width: ${(Math.min(Math.max(share, 0), 1) * 100).toFixed(2)}%` }), mark !== null && el("div.mark", { style: `left: ${(mark * 100).toFixed(2)}%` })),
        el("span.value", null, text),
    ]));
}

function tile(title, strong, unit, bars, foot) {
    return el("article.tile", null, el("h2", null, title), el("div.figure", null, el("strong", null, strong), el("span", null, unit)), bars, foot && el("p.foot", null, foot));
}

function sizeTile() {
    const before = report.bytesBefore, after = report.bytesAfter, most = Math.max(before, after, 1);
    const [ratio, unit] = after <= before ? [before / Math.max(after, 1), "smaller"] : [after / Math.max(before, 1), "larger"];
    return tile("Size", before === after ? "1.00×" : Numbers.ratio(ratio), before === after ? "as large as before" : unit,
        pair([["before", before / most, Numbers.bytes(before)], ["after", after / most, Numbers.bytes(after), "after"]]), "External data included.");
}

function latencyTile() {
    if (speed === null)
        return null;
    const [before, after] = speed, most = Math.max(before.latency.median, after.latency.median), ratio = after.speedUp, range = interval(ratio, Numbers.ratio);
    return tile("Latency", Numbers.ratio(ratio.median), "as fast as before",
        pair([["before", before.latency.median / most, Numbers.milliseconds(before.latency.median)], ["after", after.latency.median / most, Numbers.milliseconds(after.latency.median), "after"]]),
        `Median of ${Numbers.plural(report.latency.rounds, "interleaved round")}.${range ? ` 95 % interval of the ratio: ${range}.` : ""}`);
}

function qualityTile() {
    const after = figure(chosen?.metric), sqnr = figure(chosen?.sqnr), least = figure(report.budget?.minSqnr), close = closeness(report.verdict);
    if (judgedByMetric && after !== null) {
        const before = report.floatMetric, change = after - before, budget = metricBudget(), most = Math.max(before, after, budget ?? 0);
        const limit = budget === null ? "" : ` The mark is the limit, ${Numbers.metric(budget)}.`;
        return tile(report.metric, Numbers.metric(after), change === 0 ? "as before" : `${change > 0 ? "+" : "\u2212"}${Numbers.metric(Math.abs(change))}`,
            most > 0 && pair([["before", before / most, Numbers.metric(before)], ["after", after / most, Numbers.metric(after), "after"]], budget === null || budget < 0 ? null : budget / most),
            `On ${held()}.${limit}${sqnr === null ? "" : ` Signal to noise of the outputs: ${Numbers.decibel(sqnr)}.`}${close}`);
    }
    if (sqnr === null)
        return null;
    const most = Math.max(Number.isFinite(sqnr) ? sqnr : 0, least ?? 0, 1) * 1.15;
    return tile("Fidelity", Numbers.decibel(sqnr), "signal to noise", pair([["outputs", sqnr / most, Numbers.decibel(sqnr), "after"]], least === null ? null : Math.max(0, least / most)),
        `Against the float model, on ${held()}.${least === null ? "" : ` ${Numbers.decibel(least)} were asked for.`}${close}`);
}

/** On how many samples the result was judged. */
function held() {
    return report.verdict ? Numbers.plural(report.verdict.samples, isHeldOut() ? "held-out sample" : "sample") : "held-out samples";
}

/** Whether nothing was learned from the samples that judge. */
function isHeldOut() {
    return report.verdict?.isHeldOut ?? true;
}

/** Every output beside the float model's, in a sentence. */
function closeness(verdict) {
    return (verdict?.outputs ?? []).slice(0, 4).map(o => ` ${o.output}: cosine ${fixed(o.cosine.value, 4)}, ${fixed(figure(o.worstCosine), 4)} at worst${o.agreement ? `, same best class in ${fixed(100 * o.agreement.value, 1)} %` : ""}.`).join("");
}

// Candidates

function candidatePairs(c) {
    return [
        ["speed-up", c.speedUp && Numbers.ratio(c.speedUp.median)],
        ["95 % interval", c.speedUp && interval(c.speedUp, Numbers.ratio)],
        ["latency", figure(c.milliseconds) === null ? null : Numbers.milliseconds(c.milliseconds)],
        [report.metric, figure(c.metric) === null ? null : Numbers.metric(c.metric)],
        ["SQNR", figure(c.sqnr) === null ? null : Numbers.decibel(figure(c.sqnr))],
        ["layers kept float", Numbers.count(c.floatLayers)],
        ["weights", c.bytes > 0 ? Numbers.bytes(c.bytes) : null],
    ];
}

/** Mean cosine of the output that is least close. */
function cosine(c) {
    return c.verdict && c.verdict.outputs.length > 0 ? Math.min(...c.verdict.outputs.map(o => figure(o.cosine.value) ?? 0)) : null;
}

function candidates() {
    if (report.candidates.length === 0)
        return null;
    const points = key => report.candidates.filter(c => c.speedUp && Number.isFinite(figure(c.speedUp.median)) && Number.isFinite(figure(c[key])))
        .map(c => ({ name: c.name, x: c.speedUp.median, low: figure(c.speedUp.low), high: figure(c.speedUp.high), y: c[key], chosen: c.chosen, pairs: candidatePairs(c) }));
    const byMetric = judgedByMetric ? points("metric") : [], bySqnr = points("sqnr");
    const drawMetric = () => paretoChart(byMetric, {
        yName: `${shorten(report.metric, 24)}, ${report.higherIsBetter ? "higher" : "lower"} is better`, yFormat: v => fixed(v, 3), higherIsBetter: report.higherIsBetter, budget: metricBudget(), budgetName: "budget",
        reference: { name: "float", x: 1, low: null, high: null, y: report.floatMetric, pairs: [[report.metric, Numbers.metric(report.floatMetric)]] },
    });
    const drawSqnr = () => paretoChart(bySqnr, { yName: "SQNR, dB", yFormat: v => fixed(v, 0), higherIsBetter: true, budget: figure(report.budget?.minSqnr), budgetName: "budget", reference: null });
    const host = el("div");
    const show = kind => {
        const drawing = kind === "metric" ? drawMetric() : drawSqnr();
        host.replaceChildren(drawing.host);
        drawing.draw();
    };
    const first = byMetric.length > 1 || bySqnr.length === 0 ? "metric" : "sqnr";
    const draws = byMetric.length + bySqnr.length > 0;
    if (draws)
        show(first);
    const all = table([
        { title: "Candidate", key: c => c.name, cell: c => [c.name, c.chosen ? [" ", el("span.badge.kept", null, "chosen")] : ""].flat() },
        { title: "Speed-up", number: true, key: c => figure(c.speedUp?.median), cell: c => Numbers.ratio(c.speedUp.median) },
        { title: "95 % interval", number: true, key: c => c.speedUp ? figure(c.speedUp.low) : null, cell: c => interval(c.speedUp, Numbers.ratio) },
        { title: "Latency", number: true, key: c => figure(c.milliseconds), cell: c => Numbers.milliseconds(c.milliseconds) },
        { title: shorten(report.metric ?? "", 20), number: true, key: c => figure(c.metric), cell: c => Numbers.metric(c.metric) },
        { title: "SQNR", number: true, key: c => figure(c.sqnr), cell: c => Numbers.decibel(figure(c.sqnr)) },
        { title: "Cosine", number: true, key: c => cosine(c), cell: c => cosine(c) === null ? null : fixed(cosine(c), 4) },
        { title: "Kept float", number: true, key: c => c.floatLayers, cell: c => Numbers.count(c.floatLayers) },
        { title: "Weights", number: true, key: c => c.bytes || null, cell: c => Numbers.bytes(c.bytes) },
    ], report.candidates, { sortable: true, rowClass: c => c.chosen ? "chosen" : null });
    return card("candidates", "Speed against accuracy",
        "Everything that was tried. Whiskers are 95 % intervals of the speed-up; the dashed line joins what no other candidate beats in both.",
        byMetric.length > 0 && bySqnr.length > 0 && choice("Quality", [["metric", shorten(report.metric, 20)], ["sqnr", "SQNR"]], first, show),
        draws && host, draws && report.candidates.length > 1 ? el("details.more", null, el("summary", null, `All ${Numbers.plural(report.candidates.length, "candidate")} as a table`), all.element) : all.element);
}

// Where the time went

function time() {
    const most = 12, rows = report.evidence.operators.map(o => ({ name: o.operator, before: o.millisecondsBefore, after: o.millisecondsAfter }));
    if (rows.length === 0)
        return null;
    rows.sort((a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after));
    const sum = key => rows.reduce((total, r) => total + r[key], 0), before = sum("before"), after = sum("after");
    const rest = rows.splice(most, rows.length === most + 1 ? 0 : rows.length);
    if (rest.length > 0)
        rows.push({ name: `${rest.length} others`, before: rest.reduce((t, r) => t + r.before, 0), after: rest.reduce((t, r) => t + r.after, 0) });
    return card("time", "Where the time goes", "A profiled run by the engine's kernels. Profiling takes time itself: compare kernels, not the sum with the latency.", null,
        legend(["before", `before, ${Numbers.milliseconds(before)}`], ["after", `after, ${Numbers.milliseconds(after)}`]), timeChart(rows).host);
}

// Sensitivity

function sensitivity() {
    const formOf = new Map(report.layers.map(l => [l.node, l.form]));
    const rows = report.sensitivities.map(s => ({ name: s.layer, value: decibelOf(s.noise), kind: formOf.get(s.layer) ?? "unknown" })).filter(r => r.value !== null).sort((a, b) => a.value - b.value);
    if (rows.length === 0)
        return null;
    rows.forEach(r => r.pairs = [["SQNR alone", Numbers.decibel(r.value)], ["in the result", Forms[r.kind] ?? null]]);
    const kinds = { Static: "after", Dynamic: "second", Stored: "kept", Float: "kept", unknown: "before" };
    const names = { Static: "static in the result", Dynamic: "dynamic", Stored: "float, stored in 8 bits", Float: "left float", unknown: "not decided" };
    const present = Object.keys(kinds).filter(k => rows.some(r => r.kind === k));
    return card("sensitivity", "Sensitive layers", `Signal to noise of the outputs when one layer alone is quantized, the most sensitive first: the shorter the bar, the greater the error.${rows.length > 30 ? ` ${rows.length} layers; the slider at the right reaches the rest.` : ""}`, null,
        present.length > 1 || present[0] !== "unknown" ? legend(...present.map(k => [kinds[k], names[k]])) : null, sensitivityChart(rows, kinds).host,
        report.regions.length > 0 && terms("dl.measures", report.regions.filter(r => decibelOf(r.noise) !== null).map(r => [`Region of ${Numbers.plural(r.layers, "layer")} from ${shorten(r.layer, 40)}`, `${Numbers.decibel(decibelOf(r.noise))} alone`])));
}

// Histograms

/** Share of the values counted that lie outside the range; values of a bin are taken to be spread evenly in it. */
function outside(h) {
    const step = (h.high - h.low) / h.counts.length;
    let all = 0, inside = 0;
    h.counts.forEach((count, i) => {
        const from = h.low + i * step;
        all += count;
        inside += count * (step > 0 ? Math.max(0, Math.min(from + step, h.rangeHigh) - Math.max(from, h.rangeLow)) / step : 1);
    });
    return all > 0 ? Math.max(0, 1 - inside / all) : 0;
}

function histograms() {
    const list = report.evidence.histograms.filter(h => h.counts.length > 0);
    if (list.length === 0)
        return null;
    const state = { histogram: list[0], logarithmic: true };
    const drawing = histogramChart(state), measures = el("div");
    const group = (role, label) => {
        const options = list.flatMap((h, i) => h.role === role ? [el("option", { value: i }, shorten(h.name, 64))] : []);
        return options.length > 0 && el("optgroup", { label }, options);
    };
    const select = el("select.field", { "aria-label": "Tensor", onchange: () => show(Number(select.value)) }, group("Activation", "Activations"), group("Weight", "Weights"));
    const show = index => {
        state.histogram = list[index];
        const h = state.histogram, share = outside(h);
        measures.replaceChildren(terms("dl.measures", [
            ["Range", `${Numbers.value(h.rangeLow)} to ${Numbers.value(h.rangeHigh)}`],
            ["Observed", `${Numbers.value(h.low)} to ${Numbers.value(h.high)}`],
            ["Range estimator", words(h.estimator)],
            ["Outside the range, about", Numbers.percent(share < 1e-9 ? 0 : share)],
            ["Values, without exact zeros", Numbers.count(h.counts.reduce((a, b) => a + b, 0))],
        ]));
        select.title = h.name;
        drawing.draw();
    };
    const move = by => {
        select.selectedIndex = (select.selectedIndex + by + list.length) % list.length;
        show(Number(select.value));
    };
    show(Number(select.value));
    const step = (label, sign, by) => el("button.icon", { type: "button", "aria-label": label, title: label, onclick: () => move(by) }, sign);
    return card("histograms", "Values and ranges", "How the values of a tensor are distributed. The band is what its integers stand for; values outside of it are clipped.",
        [el("div.stepper", null, select, step("Previous tensor", "‹", -1), step("Next tensor", "›", 1)),
            choice("Counts", [[true, "log"], [false, "linear"]], true, value => { state.logarithmic = value; drawing.draw(); })],
        legend(["second", "values by bin"], ["after", "range of the integers", "band"]), drawing.host, measures);
}

// Layers

function layers() {
    if (report.layers.length === 0)
        return null;
    const said = new Map([...report.quantized, ...report.float].map(s => [s.name, s.what]));
    const rows = report.layers.map((l, index) => ({ ...l, index, sqnr: decibelOf(l.noise), why: l.reason || said.get(l.node) || "" }));
    const body = table([
        { title: "Layer", key: r => r.node, cell: r => nameOf(r.node) },
        { title: "Operator", key: r => r.operator, cell: r => r.operator },
        { title: "Form", key: r => Forms[r.form], cell: r => el(`span.badge.${Forms[r.form]}`, null, Forms[r.form]) },
        { title: "Float, µs", number: true, key: r => figure(r.floatMicroseconds), cell: r => Numbers.microseconds(r.floatMicroseconds) },
        { title: "8 bits, µs", number: true, key: r => figure(r.quantizedMicroseconds), cell: r => timeCell(r) },
        { title: "SQNR alone, dB", number: true, key: r => r.sqnr, cell: r => Number.isFinite(r.sqnr) ? fixed(r.sqnr, 1) : "∞" },
        { title: "Reason", wrap: true, key: r => r.why, cell: r => r.why },
    ], rows, { sortable: true, tall: true, empty: "No layer matches." });
    const count = el("p", null, "");
    const filter = { words: [], form: "all" };
    const apply = () => {
        const some = rows.filter(r => (filter.form === "all" || r.form === filter.form) && filter.words.every(w => `${r.node} ${r.layer} ${r.operator} ${Forms[r.form]} ${r.why}`.toLowerCase().includes(w)));
        count.textContent = some.length === rows.length ? "Every operator that has an 8-bit form, in the order of the model. A click on a heading sorts." : `${Numbers.count(some.length)} of ${Numbers.plural(rows.length, "operator")}.`;
        body.show(some);
    };
    apply();
    const forms = Object.keys(Forms).map(f => [f, Forms[f], rows.filter(r => r.form === f).length]).filter(f => f[2] > 0);
    const section = card("layers", "Layers", null,
        [el("input.field", { type: "search", placeholder: "Filter by name, operator, reason", "aria-label": "Filter", oninput: e => { filter.words = e.target.value.toLowerCase().split(/\s+/).filter(w => w); apply(); } }),
            forms.length > 1 && choice("Form", [["all", "All", rows.length], ...forms], "all", form => { filter.form = form; apply(); })],
        body.element);
    section.classList.add("long");
    section.querySelector("h2").after(count);
    return section;
}

function timeCell(row) {
    const before = figure(row.floatMicroseconds), after = row.quantizedMicroseconds;
    return el("span", { class: before === null ? null : after < before ? "better" : after > before ? "worse" : null }, Numbers.microseconds(after));
}

// Repairs and what stays float

function repairs() {
    if (report.evidence.repairs.length === 0)
        return null;
    const change = (before, after, format, better) => [el("span.dim.before", null, format(before), el("span", null, " → ")), el("span", { class: after === before ? null : better(after, before) ? "better" : "worse" }, format(after))];
    const higher = (a, b) => a > b, metricBetter = report.higherIsBetter ? higher : (a, b) => a < b;
    return card("repairs", "Repairs", `Each measured without and with it${isHeldOut() ? ", on held-out samples" : ""}.`, null, table([
        { title: "Repair", key: r => r.name, cell: r => r.name },
        { title: "SQNR, dB", number: true, key: r => figure(r.sqnrAfter), cell: r => change(figure(r.sqnrBefore), figure(r.sqnrAfter), v => v === null ? "–" : Number.isFinite(v) ? fixed(v, 1) : "∞", higher) },
        { title: shorten(report.metric ?? "Metric", 20), number: true, key: r => figure(r.metricBefore) === null ? null : figure(r.metricAfter), cell: r => change(r.metricBefore, r.metricAfter, Numbers.metric, metricBetter) },
        { title: "", key: r => String(r.kept), cell: r => el(r.kept ? "span.badge.kept" : "span.badge", null, r.kept ? "kept" : "not kept") },
    ], report.evidence.repairs, { short: true }).element);
}

function leftFloat() {
    if (report.float.length === 0)
        return null;
    return card("float", "Left float", `${Numbers.plural(report.float.length, "node or weight", "nodes and weights")}, by the reason.`, null, groups(groupByReason(report.float)));
}

// The page

function columns(left, right) {
    const sides = [left, right].map(side => side.filter(s => s !== null)).filter(side => side.length > 0);
    return sides.length === 0 ? null : el(sides.length === 1 ? "div.columns.single" : "div.columns", null, sides.map(side => el("div", null, side)));
}

showPage(
    header(),
    el("section.tiles", { "aria-label": "Before and after" }, sizeTile(), latencyTile(), qualityTile()),
    candidates(),
    report.training ? lossCard(report.training) : null,
    report.training ? validationCard(report.training) : null,
    columns([time(), repairs()], [sensitivity(), leftFloat()]),
    histograms(),
    layers());
