using System.Globalization;
using System.Text.RegularExpressions;

namespace Tersor.Testing.FrontDoor;

/// <summary>One run of the tool: a command line and the files it is given, in a folder of its own. The same seed and number make the same case.</summary>
/// <param name="Template">The command.</param>
/// <param name="Folder">Holds <c>in</c> (never written to), <c>state</c> (checkpoints), <c>out</c>, <c>tmp</c> and <c>home</c>; the run's current folder.</param>
/// <param name="Arguments">What follows the program's name; paths are relative to the folder.</param>
/// <param name="Changes">What was done to which file.</param>
internal sealed partial record FrontDoorCase(CommandTemplate Template, string Folder, string[] Arguments, IReadOnlyList<string> Changes)
{
    private const int Unchanged = 15, ArgumentsToo = 16, OtherModel = 6;

    public string Output => Path.Combine(Folder, "out", "result.onnx");

    /// <summary>Makes the folder with its files.</summary>
    /// <param name="seeds">What they are made from.</param>
    /// <param name="commands">One of these is given.</param>
    /// <param name="seed">Draws, with the number.</param>
    /// <param name="number">Of the case.</param>
    /// <param name="folder">Emptied first.</param>
    /// <param name="change">Whether anything is changed.</param>
    public static FrontDoorCase Create(SeedFiles seeds, IReadOnlyList<CommandTemplate> commands, int seed, int number, string folder, bool change = true)
    {
        Draw draw = new(unchecked((seed * 1_000_003) + number));
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        foreach (string part in new[] { "in", "state", "out", "tmp", "home" })
            Directory.CreateDirectory(Path.Combine(folder, part));
        CommandTemplate command = draw.Pick(commands);
        bool needsState = command.Uses("plan") || command.Uses("ranges") || command.Uses("checkpoint");
        bool other = !needsState && draw.OneIn(OtherModel);
        string name = needsState ? draw.Pick(seeds.Trained) : draw.Pick(other ? seeds.OtherModels : seeds.Networks);
        // What was made for a model and data is refused with others.
        string data = other ? "random,count=4" : needsState || draw.OneIn(2) ? $"{name}.yaml" : draw.Pick(Data(name));
        string second = draw.OneIn(2) || other ? name : draw.Pick(seeds.Networks);
        foreach (string source in new[] { name, second, data.Split('.', '#')[0] }.Distinct().SelectMany(seeds.Belonging))
            Copy(source, Path.Combine(folder, Path.GetExtension(source) == ".ckpt" ? "state" : "in", Path.GetFileName(source)));
        // A second model of its own, so that changing one leaves the other as it is.
        File.Copy(Path.Combine(folder, "in", $"{second}.onnx"), Path.Combine(folder, "in", "second.onnx"));
        Dictionary<string, string> files = new()
        {
            ["model"] = $"in/{name}.onnx",
            ["second"] = "in/second.onnx",
            ["data"] = data.Contains(',') ? data : $"in/{data}",
            ["plan"] = $"in/{name}.plan.json",
            ["ranges"] = $"in/{name}.ranges.json",
            ["checkpoint"] = $"state/{name}.ckpt",
            ["newranges"] = "out/ranges.json",
            ["report"] = "out/report.html",
            ["output"] = "out/result.onnx",
        };
        string[] arguments = command.Arguments(draw, files);
        List<string> changes = [];
        if (change && !draw.OneIn(Unchanged))
        {
            string[] victims = [.. Victims(folder, arguments)];
            if (needsState && !draw.OneIn(4))
                victims = [Path.Combine(folder, files[command.Uses("plan") ? "plan" : command.Uses("ranges") ? "ranges" : "checkpoint"])];
            for (int i = draw.Pick([1, 1, 1, 1, 2]); i > 0; i--)
                changes.Add(new FileMutator(draw).Mutate(draw.Pick(victims)));
        }
        if (change && draw.OneIn(ArgumentsToo))
            changes.Add(Change(arguments, draw));
        return new(command, folder, arguments, changes);
    }

    /// <summary>The arguments as a shell takes them.</summary>
    public string ShellLine => string.Join(' ', Arguments.Select(a => "'" + a.Replace("'", "'\\''", StringComparison.Ordinal) + "'"));

    private static string[] Data(string name) => name switch
    {
        "conv" or "residual" => [$"{name}.npz", "pictures.yaml", "pictures.yaml", "pictures.images", "pixels.yaml", "pixels.yaml", "random,count=6"],
        "frames" => ["frames.npz", "sound.yaml", "sound.waves", "sound.yaml#all"],
        "dense" => ["dense.npz", "dense.x.npy", "random.yaml", "random,count=6,seed=2,x=1x4"],
        _ => [$"{name}.npz", $"{name}.x.npy", $"{name}.yaml#train", "random,count=6"],
    };

    /// <summary>The files named in the arguments, and those a description names in turn; a model twice, since it has most to say.</summary>
    private static IEnumerable<string> Victims(string folder, string[] arguments)
    {
        foreach (string argument in arguments.Select(a => a.Split('#')[0]).Where(a => a.StartsWith("in/", StringComparison.Ordinal) || a.StartsWith("state/", StringComparison.Ordinal)))
        {
            string path = Path.Combine(folder, argument);
            string stem = Path.GetFileName(path).Split('.')[0];
            if (Path.GetExtension(path) is ".yaml" or ".images" or ".waves")
            {
                foreach (string file in Directory.GetFiles(Path.Combine(folder, "in"), $"{stem}.*", SearchOption.AllDirectories).Concat(Directory.GetDirectories(Path.Combine(folder, "in"), $"{stem}.*").SelectMany(d => Directory.GetFiles(d, "*", SearchOption.AllDirectories)))
                    .Where(f => Path.GetExtension(f) is ".idx" or ".npz" or ".wav" or ".png" or ".jpg" or ".webp" or ".txt").Order(StringComparer.Ordinal))
                    yield return file;
            }
            if (!File.Exists(path))
                continue;
            int weight = Path.GetExtension(path) switch { ".onnx" => 3, ".npz" or ".npy" => 1, _ => 4 };
            for (int i = 0; i < weight; i++)
                yield return path;
            if (File.Exists(path + ".data"))
                yield return path + ".data";
        }
    }

    /// <summary>A number or a name among the options becomes another. Files stay: where the tool writes is not left to chance.</summary>
    private static string Change(string[] arguments, Draw draw)
    {
        int[] places = [.. Enumerable.Range(1, arguments.Length - 1).Where(i => Number().IsMatch(arguments[i]))];
        if (places.Length == 0)
            return "no argument";
        int at = draw.Pick(places);
        string before = arguments[at];
        string value = draw.OneIn(3) ? draw.Name().Replace("\0", "", StringComparison.Ordinal) : draw.OneIn(2) ? draw.Integer().ToString(CultureInfo.InvariantCulture) : draw.Pick(["NaN", "-1", "0", "1e400", "∞", "1e-9", "0x10", "1,5"]);
        arguments[at] = Number().Replace(before, _ => value, 1);
        return $"argument {before} is {arguments[at]}";
    }

    private static void Copy(string source, string target)
    {
        if (File.Exists(source))
        {
            File.Copy(source, target, overwrite: true);
            return;
        }
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            string path = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(file, path, overwrite: true);
        }
    }

    [GeneratedRegex(@"(?<![\w/.])-?\d+(\.\d+)?(?=s?$|x\d)|(?<==)\d+(?=$|x|,)")]
    private static partial Regex Number();
}
