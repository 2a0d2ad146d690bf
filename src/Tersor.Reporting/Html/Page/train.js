"use strict";

// Shows the report of a training run. Its properties are those of TrainReport.

const report = JSON.parse(document.getElementById("report").textContent);
const best = report.bestEpoch === 0 ? startOf(report) : report.epochs.find(e => e.epoch === report.bestEpoch) ?? null;
const judged = figure(report.start) !== null || report.epochs.some(e => figure(e.validation) !== null);

function lead() {
    const from = report.teachers.length > 0 ? `, learning from ${report.teachers.map(fileName).join(", ")}` : "";
    const constants = Numbers.plural(report.trained.length, "constant"), samples = Numbers.plural(report.samples, "sample");
    if (report.epochs.length === 0)
        return `No step was made: ${constants} would be trained on ${samples}${from}.`;
    const sentences = [`${constants} ${report.isStart ? "tried" : "trained"} on ${samples}${from}`];
    if (judged && best !== null)
        sentences.push(`Judged on ${Numbers.plural(report.validationSamples, "held-out sample")} before the first step and after every epoch; ${best.epoch === 0 ? "none was better than the start, which was kept" : `epoch ${best.epoch} was kept`}`);
    return `${sentences.join(". ")}.`;
}

function header() {
    const last = report.epochs.at(-1) ?? null;
    return el("section.hero", null,
        el("p.eyebrow", null, report.teachers.length > 0 ? "Distillation report" : "Training report"),
        el("h1", null, fileName(report.input)),
        el("p.lead", null, lead()),
        report.notes.map(note => el("p.note", null, `${note}.`)),
        report.incidents.map(incident => el("p.note", null, `${incident}.`)),
        terms("dl.facts", [
            [report.metric ?? "Validation", judged && best !== null && Numbers.metric(best.validation)],
            ["Loss", report.loss],
            ["At the start", figure(report.start) !== null && Numbers.metric(report.start)],
            ["Loss, last epoch", last && Numbers.metric(last.loss)],
            ["Epochs", last && Numbers.count(report.epochs.length)],
            ["Steps", last && Numbers.count(last.step)],
            ["Recipe", report.recipe],
            ["Speed", last && `${report.samplesPerSecond < 10 ? fixed(report.samplesPerSecond, 2) : Numbers.count(report.samplesPerSecond)} samples/s`],
            ["Written", report.isStart ? `${fileName(report.output)}, as it was before training` : fileName(report.output)],
        ]));
}

function untouched() {
    return report.untouched.length === 0 ? null : card("untouched", "Left as they were", `${Numbers.plural(report.untouched.length, "floating-point constant")}, and why.`, null, table([
        { title: "Constant", key: u => u.name, cell: u => nameOf(u.name) },
        { title: "Reason", wrap: true, key: u => u.reason, cell: u => u.reason },
    ], report.untouched, { tall: report.untouched.length > 20 }).element);
}

showPage(header(), lossCard(report), validationCard(report), epochsCard(report), untouched());
