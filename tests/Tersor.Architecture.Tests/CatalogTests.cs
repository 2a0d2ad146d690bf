using Tersor.Compression;

namespace Tersor.Architecture.Tests;

/// <summary>The catalogue holds every pass, under its own name.</summary>
public sealed class CatalogTests
{
    /// <summary>Made from what a job measured, so that no options record describes it; its job is in the pipeline.</summary>
    private static readonly string[] MadeByJobs = ["QuantizeStaticPass", "MigrateActivationScalesPass"];

    [Fact]
    public void Every_pass_is_in_the_catalogue()
    {
        IEnumerable<string> passes = typeof(Pass).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Pass)) && !t.IsAbstract).Select(t => t.Name).Except(MadeByJobs);
        Assert.Equal(passes.Order(StringComparer.Ordinal), PassCatalog.Entries.Select(e => e.Create(null).GetType().Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_pass_has_the_name_it_has_in_the_catalogue() => Assert.All(PassCatalog.Entries, e => Assert.Equal(e.Name, e.Create(null).Name));

    [Fact]
    public void Names_are_unique() => Assert.Equal(PassCatalog.Entries.Count, PassCatalog.Entries.DistinctBy(e => e.Name).Count());
}
