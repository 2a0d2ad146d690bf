using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Tersor.Data;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Tables;

/// <summary>Writes a published network with seeded weights, and data for it, to files: for trying the command line on them.</summary>
internal static class SavedNetwork
{
    /// <summary>Runs the command: name, folder, and how many samples each part of the data has.</summary>
    public static int Run(string[] arguments, TextWriter output)
    {
        if (arguments is not [var name, var folder, .. var rest] || !Architectures.All.TryGetValue(name, out Architecture? architecture) || rest.Length > 1)
        {
            Console.Error.WriteLine($"Expected a name, a folder and, if need be, a number of samples. There are {string.Join(", ", Architectures.All.Keys)}.");
            return 2;
        }
        int count = rest is [var number] ? int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : 32;
        Directory.CreateDirectory(folder);
        architecture.Build().Save(Path.Combine(folder, $"{name}.onnx"));
        foreach (DataPart part in new[] { DataPart.Calibration, DataPart.Test })
        {
            string path = Path.Combine(folder, $"{name}.{(part == DataPart.Test ? "test" : "calibration")}.npz");
            Write(path, [.. architecture.Data(part, count).Samples()]);
            output.WriteLine(path);
        }
        return 0;
    }

    private static void Write(string path, Sample[] samples)
    {
        using ZipArchive archive = new(File.Create(path), ZipArchiveMode.Create);
        foreach ((string input, Tensor first) in samples[0].Steps[0])
        {
            using Stream stream = archive.CreateEntry($"{input}.npy", CompressionLevel.NoCompression).Open();
            string type = first.Type == ElementType.Int64 ? "<i8" : "<f4", header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({samples.Length}, {string.Join(", ", first.Shape.Skip(1))},), }}";
            header = header.PadRight((10 + header.Length + 1 + 63) / 64 * 64 - 11) + "\n";
            byte[] length = new byte[2];
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
            stream.Write([0x93, .. "NUMPY"u8, 1, 0, .. length, .. Encoding.ASCII.GetBytes(header)]);
            foreach (Sample sample in samples)
                stream.Write(sample.Steps[0][input].Bytes);
        }
    }
}
