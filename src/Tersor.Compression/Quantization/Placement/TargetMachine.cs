using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Tersor.Compression.Quantization.Placement;

/// <summary>The kind of machine a model is quantized for: what pays, and what is safe, depends on it.</summary>
public enum TargetMachine
{
    /// <summary>x64 with AVX-512 VNNI or AVX-VNNI: most servers since 2019, desktops since 2021.</summary>
    X64Vnni,

    /// <summary>x64 with AVX2 and no VNNI.</summary>
    X64Avx2,

    /// <summary>64-bit ARM.</summary>
    Arm64,
}

/// <summary>What this machine is.</summary>
public static class TargetMachines
{
    /// <summary>This machine, as a target.</summary>
    public static TargetMachine Here { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? TargetMachine.Arm64
        : HasVnni() ? TargetMachine.X64Vnni : TargetMachine.X64Avx2;

    /// <summary>CPUID leaf 7: AVX-512 VNNI is bit 11 of ECX, AVX-VNNI bit 4 of EAX of sub-leaf 1.</summary>
    private static bool HasVnni()
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < 7)
            return false;
        return (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0 && Avx512F.IsSupported || (X86Base.CpuId(7, 1).Eax & (1 << 4)) != 0 && Avx2.IsSupported;
    }
}
