namespace Tersor.Compression.GraphOptimization;

/// <summary>How far <see cref="GraphOptimizer"/> goes.</summary>
public enum OptimizationLevel
{
    /// <summary>What helps on every engine: fold, merge, remove.</summary>
    Graph,

    /// <summary>Also rewrites into the operators that ONNX Runtime's CPU provider has fast kernels for.</summary>
    Engine,
}
