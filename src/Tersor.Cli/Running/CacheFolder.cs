namespace Tersor.Cli.Running;

/// <summary>Where measurements are kept from run to run.</summary>
internal static class CacheFolder
{
    /// <summary>TERSOR_CACHE, or the place the system has for such files.</summary>
    public static string Path => Environment.GetEnvironmentVariable("TERSOR_CACHE") is { Length: > 0 } given ? given
        : System.IO.Path.Combine(OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? System.IO.Path.Combine(home, ".cache")
            : System.IO.Path.GetTempPath(), "tersor"); // a service's user may have no home
}
