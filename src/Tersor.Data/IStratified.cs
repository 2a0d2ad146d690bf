namespace Tersor.Data;

/// <summary>A data set that can tell a sample's class without reading the sample. Stratified subsets use it where it is there and read the label where it is not.</summary>
public interface IStratified
{
    /// <summary>Samples of equal stratum belong to one class; null where nothing is known.</summary>
    string? Stratum(int index);
}
