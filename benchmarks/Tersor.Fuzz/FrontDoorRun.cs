using System.Globalization;
using Tersor.Testing;
using Tersor.Testing.FrontDoor;

namespace Tersor.Fuzz;

/// <summary>The built tool is run on changed models, data, plans, ranges and checkpoints.</summary>
/// <remarks>
/// <c>--minutes 60 --seed 1</c>; <c>--only 17</c> repeats one case; <c>--commands quantize,train</c>; <c>--workers 2</c>;
/// <c>--tool PATH</c>, else the release build of this checkout; <c>--training FOLDER</c>, else TERSOR_TRAINING, else what trains is left out; <c>--kept FOLDER</c> for what fails;
/// <c>--change false</c> runs valid files, to see that commands reach what they are for.
/// </remarks>
internal static class FrontDoorRun
{
    public static int Run(string[] arguments)
    {
        string work = Directory.CreateTempSubdirectory("tersor-front-door-").FullName;
        FrontDoorOptions options = new()
        {
            Tool = Path.Combine(SharedFiles.Repository, "src", "Tersor.Cli", "bin", "Release", "net10.0", OperatingSystem.IsWindows() ? "tersor.exe" : "tersor"),
            Training = Environment.GetEnvironmentVariable("TERSOR_TRAINING"),
            Work = work,
            Kept = Path.Combine(Path.GetTempPath(), "tersor-front-door-kept"),
        };
        for (int i = 0; i + 1 < arguments.Length; i += 2)
        {
            string value = arguments[i + 1];
            options = arguments[i] switch
            {
                "--minutes" => options with { Duration = TimeSpan.FromMinutes(double.Parse(value, CultureInfo.InvariantCulture)) },
                "--seed" => options with { Seed = Number(value) },
                "--first" => options with { First = Number(value) },
                "--only" => options with { First = Number(value), Count = 1, Workers = 1 },
                "--count" => options with { Count = Number(value) },
                "--workers" => options with { Workers = Number(value) },
                "--commands" => options with { Commands = value.Split(',') },
                "--tool" => options with { Tool = Path.GetFullPath(value) },
                "--training" => options with { Training = Path.GetFullPath(value) },
                "--change" => options with { Change = bool.Parse(value) },
                "--kept" => options with { Kept = Path.GetFullPath(value) },
                _ => throw new ArgumentException($"There is no option {arguments[i]}.", nameof(arguments)),
            };
        }
        try
        {
            FrontDoorFuzzer fuzzer = new(options);
            fuzzer.Run(Console.WriteLine);
            Console.WriteLine(fuzzer.Report);
            Console.WriteLine($"What fails is kept in {options.Kept}, each with run.sh.");
            return fuzzer.Faults.Count == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
