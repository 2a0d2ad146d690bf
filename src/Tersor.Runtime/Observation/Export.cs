using Tersor.Onnx;

namespace Tersor.Runtime;

/// <summary>How a wanted value comes out of the instrumented model.</summary>
internal enum ExportForm
{
    /// <summary>It is a constant, or an input that the caller feeds: the engine is not asked.</summary>
    Known,

    /// <summary>As a tensor.</summary>
    Tensor,

    /// <summary>As a tensor that is empty where the branch was not taken: the form for operator sets before 13.</summary>
    TensorOrEmpty,

    /// <summary>As a sequence with one tensor for each time it was computed.</summary>
    Sequence,
}

/// <summary>One wanted value and the output of the instrumented model that carries it.</summary>
/// <param name="Wanted">The value, in the model as given.</param>
/// <param name="Output">The output in the main graph of the instrumented clone.</param>
/// <param name="Form">How it comes out.</param>
/// <param name="Stacked">How many leading dimensions were added by stacking the iterations of a loop.</param>
internal sealed record Export(Value Wanted, Value Output, ExportForm Form, int Stacked);
