using System.Runtime.InteropServices;

namespace Tersor.Onnx.Files;

/// <summary>What stands at a path, found without opening it: opening a pipe would wait for ever.</summary>
internal readonly record struct FileKind(bool Exists, bool IsRegularFile, bool IsFolder, bool IsLink, long Links)
{
    /// <summary>What it is, in words.</summary>
    public string Name { get; private init; } = "a file";

    private const int TypeMask = 0xF000, Folder = 0x4000, Regular = 0x8000, SymbolicLink = 0xA000, CharacterDevice = 0x2000, BlockDevice = 0x6000, Pipe = 0x1000, Socket = 0xC000;

    public static FileKind Of(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            byte[] status = new byte[256]; // struct statx: its layout is the same on every architecture (linux/stat.h)
            const int CurrentFolder = -100, DoNotFollow = 0x100, TypeModeLinks = 0x7;
            if (NativeMethods.statx(CurrentFolder, path, DoNotFollow, TypeModeLinks, status) != 0)
                return default;
            uint links = BitConverter.ToUInt32(status, 16);
            int type = BitConverter.ToUInt16(status, 28) & TypeMask;
            return new(true, type == Regular, type == Folder, type == SymbolicLink, links)
            {
                Name = type switch { Folder => "a folder", SymbolicLink => "a link", CharacterDevice or BlockDevice => "a device", Pipe => "a pipe", Socket => "a socket", _ => "a file" },
            };
        }
        FileSystemInfo info = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
        if (!info.Exists && info.LinkTarget is null)
            return default;
        bool link = info.LinkTarget is not null || info.Attributes.HasFlag(FileAttributes.ReparsePoint);
        bool folder = info.Attributes.HasFlag(FileAttributes.Directory);
        bool device = info.Attributes.HasFlag(FileAttributes.Device);
        return new(true, !folder && !link && !device, folder && !link, link, folder || link ? 1 : WindowsLinks(path)) { Name = device ? "a device" : folder ? "a folder" : "a file" };
    }

    private static long WindowsLinks(string path)
    {
        if (!OperatingSystem.IsWindows())
            return 1;
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        int[] information = new int[13]; // BY_HANDLE_FILE_INFORMATION: nNumberOfLinks is its tenth 32-bit field
        return NativeMethods.GetFileInformationByHandle(handle, information) ? information[10] : 1;
    }

    private static partial class NativeMethods
    {
        [DllImport("libc", CharSet = CharSet.Ansi, BestFitMapping = false, SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, [Out] byte[] status);

        [DllImport("kernel32", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [return: MarshalAs(UnmanagedType.Bool)]
        internal static extern bool GetFileInformationByHandle(SafeHandle file, [Out] int[] information);
    }
}
