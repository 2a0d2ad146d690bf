namespace Tersor.Cli;

/// <summary>A command line that parses and still cannot be meant: exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
