using Tersor.Cli;

return await CommandLine.RunAsync(args, Terminal.OfProcess());
