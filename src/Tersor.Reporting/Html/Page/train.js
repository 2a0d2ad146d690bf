"use strict";

// Shows the report of a training run. Its properties are those of TrainReport.

const report = JSON.parse(document.getElementById("report").textContent);
const best = report.epochs[report.bestEpoch] ?? null;
const judged = report.epochs.some(e => figure(e.validation) !== null);

function lead() {
    const from = report.teachers.length > 0 ? `, learning from ${report.teachers.map(fileName).join(", ")}` : "";
    const sentences = [`${Numbers.plural(report.trained.length, "constant")} trained on ${Numbers.plural(report.samples, "sample")}${from}`];
    if (judged && best !== null)
        sentences.push(`Judged on ${Numbers.plural(report.validationSamples, "held-out sample")} after every epoch; epoch ${best.epoch + 1} was kept`);
    return `${sentences.join(". ")}.`;
}

function header() {
    const last = report.epochs.at(-1) ?? null;
    return el("section.hero", null,
        el("p.eyebrow", null, report.teachers.length > 0 ? "Distillation report" : "Training report"),
        el("h1", null, fileName(report.input)),
        el("p.lead", null, lead()),
        report.incidents.map(incident => el("p.note", null, `${incident}.`)),
        terms("dl.facts", [
            [report.metric ?? "Validation", judged && best !== null && Numbers.metric(best.validation)],
            ["Loss, last epoch", last && Numbers.metric(last.loss)],
            ["Epochs", last && Numbers.count(report.epochs.length)],
            ["Steps", last && Numbers.count(last.step)],
            ["Speed", `${report.samplesPerSecond < 10 ? fixed(report.samplesPerSecond, 2) : Numbers.count(report.samplesPerSecond)} samples/s`],
            ["Written", fileName(report.output)],
        ]));
}

/** A line over steps. A point is [step, value]; marked is one of them, or null. */
function stepChart(description, points, fill, format, marked) {
    return chart(description, 300, (colour, width) => {
        const few = points.length < 60, ys = roundBounds(points.map(p => p[1]), 0.05, 5);
        return {
            grid: { left: 62, right: 24, top: 12, bottom: 44 },
            tooltip: tooltip(colour, list => list[0] && tip(`step ${Numbers.count(list[0].value[0])}`, [[description, format(list[0].value[1])]]), "axis"),
            xAxis: valueAxis(colour, { name: "steps", nameGap: 28, min: 0, max: points.at(-1)[0], splitLine: { show: false }, splitNumber: width < 500 ? 4 : 8, axisLine: { show: true, lineStyle: { color: colour("line") } }, axisLabel: { formatter: Numbers.brief } }),
            yAxis: valueAxis(colour, { ...ys, axisLabel: { formatter: v => `${+v.toPrecision(4)}`.replace("-", "\u2212") } }),
            series: [{
                type: "line", showSymbol: few || marked !== null, symbol: "circle", symbolSize: few ? 6 : 0, lineStyle: { color: colour(fill), width: 1.75 }, itemStyle: { color: colour(fill) }, emphasis: { disabled: true },
                data: points.map(p => marked === null || p[0] !== marked[0] ? p : { value: p, symbolSize: 11, label: { show: true, position: "top", distance: 5, color: colour("text"), fontSize: 12, formatter: "kept" } }),
            }],
        };
    });
}

function losses() {
    const points = report.curve.length > 1 ? report.curve.map(p => [p.step, p.loss]) : report.epochs.filter(e => figure(e.loss) !== null).map(e => [e.step, e.loss]);
    return points.length < 2 ? null : card("loss", "Loss", report.curve.length > 1 ? "Average of the last steps." : "Average of every epoch.", null, stepChart("loss", points, "second", Numbers.metric, null).host);
}

function validation() {
    const points = report.epochs.filter(e => figure(e.validation) !== null).map(e => [e.step, e.validation]);
    return points.length < 2 ? null : card("validation", "Validation", `${report.metric ?? "Validation"} on held-out samples after every epoch.`, null,
        stepChart(report.metric ?? "validation", points, "after", Numbers.metric, figure(best?.validation) === null ? null : [best.step, best.validation]).host);
}

function epochs() {
    return report.epochs.length === 0 ? null : card("epochs", "Epochs", null, null, table([
        { title: "Epoch", number: true, key: e => e.epoch, cell: e => Numbers.count(e.epoch + 1) },
        { title: "Steps", number: true, key: e => e.step, cell: e => Numbers.count(e.step) },
        { title: "Loss", number: true, key: e => figure(e.loss), cell: e => Numbers.metric(e.loss) },
        { title: shorten(report.metric ?? "Validation", 20), number: true, key: e => figure(e.validation), cell: e => Numbers.metric(e.validation) },
        { title: "Learning rate", number: true, key: e => e.learningRate, cell: e => e.learningRate.toExponential(1).replace(/-/g, "\u2212") },
        { title: "", key: e => judged ? String(e.epoch === report.bestEpoch) : null, cell: e => e.epoch === report.bestEpoch ? el("span.badge.kept", null, "kept") : "" },
    ], report.epochs, { tall: report.epochs.length > 20 }).element);
}

function untouched() {
    return report.untouched.length === 0 ? null : card("untouched", "Left as they were", `${Numbers.plural(report.untouched.length, "floating-point constant")}, and why.`, null, table([
        { title: "Constant", key: u => u.name, cell: u => nameOf(u.name) },
        { title: "Reason", wrap: true, key: u => u.reason, cell: u => u.reason },
    ], report.untouched, { tall: report.untouched.length > 20 }).element);
}

showPage(header(), losses(), validation(), epochs(), untouched());
