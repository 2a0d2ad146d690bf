using System.Diagnostics;
using System.Text.Json;
using Tersor.Onnx;

namespace Tersor.Runtime.Guard;

/// <summary>The child process: serves requests until its parent goes away.</summary>
internal static class GuardChild
{
    /// <summary>First characters of the lines on standard output that are meant for the parent; the engine may print others.</summary>
    public const string Mark = "\u0001tersor:";

    /// <summary>Argument that makes this assembly's entry point a child and not a misunderstanding.</summary>
    public const string Argument = "--serve-guarded-requests";

    public static int Main(string[] arguments)
    {
        if (arguments is not [Argument])
            return 2; // a library: there is nothing to start by hand
        // Reading goes on while a request is served, so that a parent's end is noticed at once.
        using System.Collections.Concurrent.BlockingCollection<string> requests = [];
#pragma warning disable RS0030 // The standard streams are the child's line to its parent; no user sees them.
        TextReader input = Console.In;
        TextWriter output = Console.Out;
#pragma warning restore RS0030
        Thread reader = new(() =>
        {
            while (input.ReadLine() is { } line)
                requests.Add(line);
            Process.GetCurrentProcess().Kill(); // the engine may be deep in native code: an orderly exit would wait for it
        })
        { IsBackground = true };
        reader.Start();
        foreach (string line in requests.GetConsumingEnumerable())
        {
            GuardRequest request = JsonSerializer.Deserialize(line, GuardJson.Default.GuardRequest)!;
            File.WriteAllText(Path.Combine(request.Folder, "response.json"), JsonSerializer.Serialize(Serve(request), GuardJson.Default.GuardResponse));
            output.WriteLine(Mark);
            output.Flush();
        }
        return 0;
    }

    public static string InputFile(string folder, int step) => Path.Combine(folder, $"inputs-{step}.onnx");

    public static string OutputFile(string folder, int step) => Path.Combine(folder, $"outputs-{step}.onnx");

    private static GuardResponse Serve(GuardRequest request)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        ProcessMemory.ResetPeak();
        GuardResponse response = new() { BaseMemoryBytes = ProcessMemory.OfThis().Resident };
        try
        {
            response = Run(request, response);
        }
        catch (Exception e) when (e is RuntimeException or OnnxException or IOException or InvalidOperationException or ArgumentException or OverflowException)
        {
            response = response with { Error = EngineMessages.Clean(e.Message) };
        }
        catch (OutOfMemoryException)
        {
            response = response with { Error = "There is not enough memory." };
        }
        return response with { PeakMemoryBytes = ProcessMemory.OfThis().Peak, CpuSeconds = (Environment.CpuUsage.TotalTime - before).TotalSeconds };
    }

    private static GuardResponse Run(GuardRequest request, GuardResponse response)
    {
        long start = Stopwatch.GetTimestamp();
        using ModelSession session = new(request.ModelPath, request.Settings);
        response = response with { LoadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds };
        if (request.LoadOnly)
            return response;
        IReadOnlyDictionary<string, RuntimeValue>? previous = null;
        TimeSpan running = TimeSpan.Zero;
        for (int step = 0; step < request.Steps; step++)
        {
            Dictionary<string, RuntimeValue> inputs = new(ValueFile.Read(InputFile(request.Folder, step)));
            foreach ((string output, string input) in request.Feedback)
            {
                if (previous is not null && previous.TryGetValue(output, out RuntimeValue? state))
                    inputs.TryAdd(input, state);
            }
            start = Stopwatch.GetTimestamp();
            for (int i = 0; i < request.Repetitions; i++)
                previous = session.RunValues(inputs);
            running += Stopwatch.GetElapsedTime(start);
            if (request.KeepOutputs)
                ValueFile.Write(OutputFile(request.Folder, step), previous!);
        }
        return response with { RunSeconds = running.TotalSeconds, Steps = request.Steps };
    }
}
