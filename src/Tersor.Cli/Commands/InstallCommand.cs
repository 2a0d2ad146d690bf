using System.CommandLine;
using Tersor.Cli.Parsing;
using Tersor.Cli.Printing;
using Tersor.Cli.Running;
using Tersor.Compression.Training;
using Tersor.Pipeline.Training;
using Tersor.Reporting;
using Tersor.Reporting.Training;

namespace Tersor.Cli.Commands;

/// <summary><c>tersor install training</c>: fetches what only some commands need.</summary>
internal static class InstallCommand
{
    private const string Training = "training";

    public static Command Create(Terminal terminal)
    {
        Argument<string> what = new("what") { Description = $"What to install: '{Training}', which train, distill and quantize --train need." };
        what.AcceptOnlyFromAmong(Training);
        Option<string?> source = new("--source") { Description = "Package source to ask beside the ones that are configured: an address, or a folder of packages.", HelpName = "source" };
        Option<bool> json = CommonOptions.Json();
        Command command = new("install", "Fetch what training needs: libtorch, which is large and comes apart.") { what, source, json };
        command.SetAction((parsed, cancellation) => Execute(parsed.GetValue(source), parsed.GetValue(json), terminal, cancellation));
        return command.WithHelp(
            "Downloads Tersor.Training and libtorch, some 130 to 190 MB, from the package sources that 'dotnet' uses, puts them into a folder of\n"
            + "the user's, and says which. Needs the .NET 10 SDK. Remove that folder to uninstall. A checkout of Tersor does this by itself.",
            "tersor install training", "tersor install training --source ./packages");
    }

    public static async Task<int> Execute(string? source, bool json, Terminal terminal, CancellationToken cancellation)
    {
        string target = TrainingPackage.UserFolder ?? throw new TrainingException($"There is no folder for the user's programs, since the user has no home. Set HOME, or {TrainingPackage.Variable} where the package is.");
        string? present = source is null ? TrainingPackage.Folder : null;
        if (present is null)
        {
            terminal.Say("Fetching Tersor.Training and libtorch ...");
            using (new Progress(terminal, "fetching"))
                await TrainingInstallation.Run(target, source, cancellation);
        }
        InstallationReport report = new(present ?? target, TrainingPackage.Version, present is null);
        if (json)
            ReportJson.Write(report, terminal.Out);
        else
            terminal.Out.WriteLine($"Training {report.Version} is installed: {report.Folder}");
        return ExitCodes.Done;
    }
}
