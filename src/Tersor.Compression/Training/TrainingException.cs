namespace Tersor.Compression.Training;

/// <summary>Training that cannot do what was asked, in words the model's owner can act on.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Training cannot go on.</summary>
    /// <param name="message">Where, what was found, what was expected and what to do.</param>
    /// <param name="inner">What lies behind it.</param>
    public TrainingException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
