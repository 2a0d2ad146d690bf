using System.ComponentModel;
using Google.Protobuf;
using Tersor.Onnx.Protos;

namespace Tersor.Testing;

/// <summary>Collects hostile files while they are made.</summary>
internal sealed class HostileSet(string folder)
{
    private readonly List<(string Name, string Path)> all = [];

    public IReadOnlyList<(string Name, string Path)> All => all;

    public string Folder => folder;

    /// <summary>Something at a path of its own; left out where this system or user cannot make it.</summary>
    public void Add(string name, Action<string> make)
    {
        string own = Directory.CreateDirectory(Path.Combine(folder, $"{all.Count:000}", "model")).FullName, path = Path.Combine(own, "model.onnx");
        try
        {
            make(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception)
        {
            return;
        }
        all.Add((name, path));
    }

    public void Existing(string name, string path) => all.Add((name, path));

    public void Bytes(string name, byte[] content) => Add(name, path => File.WriteAllBytes(path, content));

    /// <summary>The small valid model with one change.</summary>
    public void Model(string name, Action<ModelProto> change)
    {
        ModelProto model = HostileFiles.Valid();
        change(model);
        Bytes(name, model.ToByteArray());
    }

    public void Tensor(string name, Action<TensorProto> change) => Model($"a tensor with {name}", m => change(m.Graph.Initializer[0]));

    public void Sparse(string name, Action<SparseTensorProto> change) => Model(name, m =>
    {
        SparseTensorProto sparse = new()
        {
            Values = new() { Name = "s", DataType = 1, Dims = { 2 }, FloatData = { 1f, 2f } },
            Indices = new() { DataType = 7, Dims = { 2 }, Int64Data = { 0, 3 } },
            Dims = { 4 },
        };
        change(sparse);
        m.Graph.SparseInitializer.Add(sparse);
    });

    /// <summary>The small valid model with its weight outside.</summary>
    public void External(string name, string? location, Action<string>? prepare = null, string? offset = null, string? length = null) => Add(name, path =>
    {
        prepare?.Invoke(Path.GetDirectoryName(path)!);
        ModelProto model = HostileFiles.Valid();
        TensorProto weight = model.Graph.Initializer[0];
        weight.ClearRawData();
        weight.DataLocation = TensorProto.Types.DataLocation.External;
        foreach ((string key, string? value) in new[] { ("location", location), ("offset", offset), ("length", length) })
        {
            if (value is not null)
                weight.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        }
        File.WriteAllBytes(path, model.ToByteArray());
    });
}
