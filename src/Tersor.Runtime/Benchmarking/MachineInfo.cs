using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.OnnxRuntime;

namespace Tersor.Runtime;

/// <summary>The machine and the engine that measurements were taken with.</summary>
/// <param name="Cpu">The processor's name.</param>
/// <param name="Cores">Logical processors this process may use.</param>
/// <param name="Features">Instruction sets that matter for inference: AVX2, AVX-512, VNNI, NEON dot product ...</param>
/// <param name="OperatingSystem">The system.</param>
/// <param name="Engine">ONNX Runtime's version.</param>
public sealed record MachineInfo(string Cpu, int Cores, IReadOnlyList<string> Features, string OperatingSystem, string Engine)
{
    /// <summary>This machine.</summary>
    public static MachineInfo Here()
    {
        (string cpu, string[] flags) = System.OperatingSystem.IsLinux() ? FromLinux() : ("", []);
        List<string> features = [];
        Add("AVX2", Avx2.IsSupported);
        Add("AVX-512", Avx512F.IsSupported);
        Add("AVX-512 VNNI", flags.Contains("avx512_vnni"));
        Add("AVX-VNNI", AvxVnni.IsSupported || flags.Contains("avx_vnni"));
        Add("AMX int8", flags.Contains("amx_int8"));
        Add("NEON", AdvSimd.IsSupported);
        Add("NEON dot product", Dp.IsSupported);
        Add("i8mm", flags.Contains("i8mm"));
        return new(cpu.Length > 0 ? cpu : RuntimeInformation.ProcessArchitecture.ToString(), Environment.ProcessorCount, features, RuntimeInformation.OSDescription, OrtEnv.Instance().GetVersionString());

        void Add(string name, bool present)
        {
            if (present)
                features.Add(name);
        }
    }

    private static (string Cpu, string[] Flags) FromLinux()
    {
        try
        {
            ILookup<string, string> lines = File.ReadLines("/proc/cpuinfo").Select(l => l.Split(':', 2)).Where(p => p.Length == 2).ToLookup(p => p[0].Trim(), p => p[1].Trim());
            return (lines["model name"].FirstOrDefault() ?? "", (lines["flags"].FirstOrDefault() ?? lines["Features"].FirstOrDefault() ?? "").Split(' '));
        }
        catch (IOException)
        {
            return ("", []);
        }
    }
}
