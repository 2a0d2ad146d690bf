using Tersor.Compression;

namespace Tersor.Tables;

/// <summary>What became of one model.</summary>
internal sealed record ModelOutcome(string Path, string Group)
{
    public string Name => IsBackendTest ? System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(Path)!) : System.IO.Path.GetFileNameWithoutExtension(Path);

    public bool IsBackendTest => System.IO.Path.GetFileName(Path) == "model.onnx";

    public bool RoundTrips { get; set; }

    public bool Runs { get; set; }

    public string? Reason { get; set; }

    public bool WrittenEqual { get; set; }

    public bool Changed { get; set; }

    public bool OptimizedEqual { get; set; }

    public bool BitEqual { get; set; }

    public int NodesBefore { get; set; }

    public int NodesAfter { get; set; }

    public long BytesBefore { get; set; }

    public long BytesAfter { get; set; }

    public OutputDifference? Difference { get; set; }

    public string Left { get; set; } = "";

    public List<string> RolledBack { get; } = [];

    public List<string> Problems { get; } = [];
}
