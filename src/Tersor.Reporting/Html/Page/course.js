"use strict";

// How training went: cards about a course, which has start, epochs, curve, bestEpoch and metric, as TrainReport and TrainingCourse do.

/** Where the kept weights lie on the curve of validation; null: nothing was validated. */
function keptPoint(course) {
    const best = course.bestEpoch === 0 ? startOf(course) : course.epochs.find(e => e.epoch === course.bestEpoch);
    return figure(best?.validation) === null ? null : [best.step, best.validation];
}

/** The model as training found it, in the form of an epoch. */
function startOf(course) {
    return { epoch: 0, step: 0, loss: null, validation: course.start, learningRate: null };
}

/** Every epoch, and the start before them where it was judged. */
function judgedEpochs(course) {
    return figure(course.start) === null ? course.epochs : [startOf(course), ...course.epochs];
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

function lossCard(course) {
    const points = course.curve.length > 1 ? course.curve.map(p => [p.step, p.loss]) : course.epochs.filter(e => figure(e.loss) !== null).map(e => [e.step, e.loss]);
    return points.length < 2 ? null : card("loss", "Loss", course.curve.length > 1 ? "Average of the last steps." : "Average of every epoch.", null, stepChart("loss", points, "second", Numbers.metric, null).host);
}

function validationCard(course) {
    const points = judgedEpochs(course).filter(e => figure(e.validation) !== null).map(e => [e.step, e.validation]);
    return points.length < 2 ? null : card("validation", "Validation", `${course.metric ?? "Validation"} on held-out samples, before the first step and after every epoch.`, null,
        stepChart(course.metric ?? "validation", points, "after", Numbers.metric, keptPoint(course)).host);
}

function epochsCard(course) {
    const judged = course.epochs.some(e => figure(e.validation) !== null);
    return course.epochs.length === 0 ? null : card("epochs", "Epochs", null, null, table([
        { title: "Epoch", number: true, key: e => e.epoch, cell: e => e.epoch === 0 ? "start" : Numbers.count(e.epoch) },
        { title: "Steps", number: true, key: e => e.step, cell: e => Numbers.count(e.step) },
        { title: "Loss", number: true, key: e => figure(e.loss), cell: e => figure(e.loss) === null ? "" : Numbers.metric(e.loss) },
        { title: shorten(course.metric ?? "Validation", 20), number: true, key: e => figure(e.validation), cell: e => Numbers.metric(e.validation) },
        { title: "Learning rate", number: true, key: e => e.learningRate, cell: e => e.learningRate === null ? "" : e.learningRate.toExponential(1).replace(/-/g, "\u2212") },
        { title: "", key: e => judged ? String(e.epoch === course.bestEpoch) : null, cell: e => e.epoch === course.bestEpoch ? el("span.badge.kept", null, "kept") : "" },
    ], judgedEpochs(course), { tall: course.epochs.length > 20 }).element);
}
