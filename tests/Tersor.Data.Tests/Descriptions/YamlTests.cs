using Tersor.Data.Descriptions;
using Tersor.Data.Preprocessing;
using Tersor.Testing;

namespace Tersor.Data.Tests.Descriptions;

public sealed class YamlTests
{
    [Fact]
    public void Every_problem_is_reported_with_its_line_and_what_was_expected()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("data.yaml", """
            sorce: { kind: images }
            source:
              kind: imagse
              folder: x
            preprocess:
              - resize: { hieght: 48, width: many, filter: lanczos, antialias: false }
              - rotate: 5
              - normalize: { std: [1, 0] }
              - channels
            layout: NCWH
            metrics:
              - top-9
              - auc: { outptu: y }
            feedback: { hn: h }
            """);
        string[] problems = Assert.Throws<DataException>(() => DataSetFactory.Open(path)).Message.Split(Environment.NewLine);
        (int Line, string Text)[] expected =
        [
            (1, "'sorce' is not known here; expected constants, feedback, layout, metrics, name, preprocess, root, source, splits, states, type. Did you mean 'source'?"),
            (3, "'source.kind' is 'imagse'; expected images, idx, numpy, wav, random. Did you mean 'images'?"),
            (6, "'preprocess[0].resize.width' is 'many'; expected a whole number"),
            (6, "'preprocess[0].resize': no size is given; expected width and height, one of them, shortest, longest or multiple_of"),
            (6, "'preprocess[0].resize': filter lanczos exists with antialias: true only"),
            (6, "'preprocess[0].resize.hieght' is not known here; expected antialias, filter, height, keep_aspect, longest, max_width, multiple_of, rounding, shortest, width. Did you mean 'height'?"),
            (7, "'preprocess[1].rotate': there is no step 'rotate'; expected resize, crop, pad, turn, channels, normalize, extra_channel."),
            (8, "'preprocess[2].normalize': std is [1, 0]; expected one finite number other than 0, or one a channel"),
            (9, "'preprocess[3].channels' has no value; expected rgb, bgr, grey"),
            (10, "'layout' is 'NCWH'; expected NCHW, NHWC, NHW. Did you mean 'NCHW'?"),
            (12, "there is no metric 'top-9'"),
            (13, "metric 'auc' has no parameter 'outptu'; expected output, label, element. Did you mean 'output'?"),
            (14, "'feedback.hn' is 'h'; expected an input that has a start value in 'states'"),
        ];
        Assert.True(expected.Length == problems.Length, string.Join(Environment.NewLine, problems));
        foreach ((int line, string text) in expected)
            Assert.Contains(problems, p => p.StartsWith($"{path}:{line}: ", StringComparison.Ordinal) && p.Contains(text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "expected keys with values")]
    [InlineData("- a", "expected keys with values")]
    [InlineData("a: [1", "not valid YAML")]
    [InlineData("a: 1\na: 2", "not valid YAML")]
    [InlineData("name: x\nsplits:\n  test: { [part: [0, 1] }\nmetrics: [top-1]", ":3: not valid YAML: What follows is no key with a value.")]
    [InlineData("name: x", "'source' is missing")]
    [InlineData("source: { kind: images }", "'source.folder' is missing; expected a folder of images")]
    [InlineData("source: { kind: wav, folder: . }", "'source.frame' is missing")]
    [InlineData("source: { kind: random, count: 0 }", "'source.count' is '0'; expected a whole number, 1 or more")]
    [InlineData("source: { kind: random, part: [0.5, 0.2] }", "0 <= from < to <= 1")]
    [InlineData("source: { kind: random }\nconstants: { sr: 5 }", "'constants.sr' is '5'; expected keys with values below it")]
    [InlineData("source: { kind: random }\nconstants: { sr: { shape: [2], value: [1, 2, 3] } }", "expected one number, or 2")]
    [InlineData("source: { kind: random }\npreprocess: { resize: 5 }", "expected a list")]
    public void A_wrong_description_is_refused(string yaml, string message)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("data.yaml", yaml);
        string found = Assert.Throws<DataException>(() => DataSetFactory.Open(path, [])).Message;
        Assert.Contains(message, found, StringComparison.Ordinal);
        Assert.StartsWith($"{path}:", found, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_take_from_the_source_what_they_do_not_say()
    {
        using TemporaryFolder folder = new();
        for (int i = 0; i < 10; i++)
            folder.Copy("rgb.png", $"images/{i}.png");
        string path = folder.Write("data.yaml", """
            root: images
            source: { kind: images, input: x, folder: ., labels: none, seed: 3 }
            splits:
              train: { part: [0, 0.7] }
              test: { part: [0.7, 1] }
              two: { take: 2 }
              named: { files: "1*" }
            """);
        string[] train = Names("train"), test = Names("test");
        Assert.Equal((7, 3), (train.Length, test.Length));
        Assert.Equal(10, train.Union(test).Count());
        Assert.Equal(2, Names("two").Length);
        Assert.Equal(["1.png"], Names("named"));
        Assert.Contains("has no part 'tset'; it has train, test, two, named. Did you mean 'test'?",
            Assert.Throws<DataException>(() => DataSetFactory.Open(path, split: "tset")).Message, StringComparison.Ordinal);
        Assert.Contains("say which one", Assert.Throws<DataException>(() => DataSetFactory.Open(path)).Message, StringComparison.Ordinal);
        Assert.Contains("'y'", Assert.Throws<DataException>(() => DataSetFactory.Open($"{path}#test", [new("y", Onnx.ElementType.Float32, null)])).Message, StringComparison.Ordinal);

        string[] Names(string split) => [.. DataSetFactory.Open($"{path}#{split}").DataSet.Samples().Select(s => s.Name)];
    }

    [Fact]
    public void A_root_given_by_hand_replaces_the_files()
    {
        using TemporaryFolder folder = new();
        folder.Copy("rgb.png", "elsewhere/images/a.png");
        string path = folder.Write("data.yaml", "root: nowhere\nsource: { kind: images, input: x, folder: images }");
        Assert.Throws<DataException>(() => DataSetFactory.Open(path));
        OpenedData opened = DataSetFactory.Open(path, root: folder.At("elsewhere"));
        Assert.Equal(1, opened.DataSet.Count);
        Assert.Equal(folder.At("elsewhere"), opened.Folder);
    }

    [Fact]
    public void Numbers_may_be_fractions()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("data.yaml", "source: { kind: random }\npreprocess: [ normalize: { scale: 1/255, mean: 0.5, std: [0.5] } ]");
        NormalizeStep step = Assert.IsType<NormalizeStep>(Assert.Single(DataSetFactory.ReadDescription(path).Preprocess));
        Assert.Equal((1f / 255, 0.5f, 0.5f), (step.Scale, step.Mean[0], step.Std[0]));
    }

    [Fact]
    public void Every_sample_description_is_valid()
    {
        string[] files = Directory.GetFiles(Path.Combine(SharedFiles.Repository, "samples", "data"), "*.yaml");
        Assert.True(files.Length >= 6);
        foreach (DataDescription description in files.Select(DataSetFactory.ReadDescription))
        {
            Assert.Contains("calibration", description.Splits.Keys);
            Assert.Contains("test", description.Splits.Keys);
            Assert.NotEmpty(description.Metrics);
        }
    }
}
