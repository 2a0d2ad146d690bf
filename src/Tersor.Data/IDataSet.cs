namespace Tersor.Data;

/// <summary>Samples that can be read in any order, again and again. Reading may be called from several threads.</summary>
public interface IDataSet
{
    /// <summary>What it is, in a few words: shown in tables and messages.</summary>
    string Name { get; }

    /// <summary>Number of samples.</summary>
    int Count { get; }

    /// <summary>Which output is fed back to which input from one step to the next, by name (<c>hn</c> → <c>h</c>). Empty for models without state.</summary>
    IReadOnlyDictionary<string, string> Feedback { get; }

    /// <summary>Reads and preprocesses one sample. State inputs are in its first step, as they are at a start.</summary>
    /// <param name="index">0..Count-1.</param>
    /// <exception cref="DataException">The sample cannot be read.</exception>
    Sample Read(int index);
}
