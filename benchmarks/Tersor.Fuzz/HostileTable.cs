using System.Diagnostics;
using Tersor.Onnx;
using Tersor.Testing;

namespace Tersor.Fuzz;

/// <summary>Every hostile file with what is said about it.</summary>
internal static class HostileTable
{
    public static int Print()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tersor-hostile-");
        int failures = 0;
        try
        {
            Console.WriteLine("| file | error | ms | MB allocated |\n|---|---|---|---|");
            foreach ((string name, string path) in HostileFiles.Create(folder.FullName))
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                Stopwatch watch = Stopwatch.StartNew();
                string said = "READ WITHOUT AN ERROR";
                try
                {
                    Model.Load(path);
                    failures++;
                }
                catch (Exception e) when (e is OnnxException or FileNotFoundException)
                {
                    said = e.Message.Replace(folder.FullName + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
                }
                said = said.Length > 200 ? said[..200] + " ..." : said;
                Console.WriteLine($"| {name} | {said} | {watch.ElapsedMilliseconds} | {GC.GetAllocatedBytesForCurrentThread() - before >> 20} |");
            }
            Console.WriteLine($"\nPeak memory of the process: {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB");
            return failures == 0 ? 0 : 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
