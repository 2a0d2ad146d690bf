using System.Runtime.CompilerServices;
using Tersor.Testing;
using Tersor.Training;
using Tersor.TrainingTables;

// Tables of training. Long runs: each goes on where it was stopped.
if (SharedFiles.Root is null)
{
    Console.WriteLine(SharedFiles.Reason);
    return 1;
}
// What is written by hand touches libtorch before anything of Tersor does.
RuntimeHelpers.RunModuleConstructor(typeof(Trainer).Module.ModuleHandle);
return args switch
{
    ["scratch", .. var networks] => FromScratch.Run(networks, Console.Out),
    ["speed", .. var networks] => Speed.Run(networks, Console.Out),
    ["memory", var kind, var network] => Speed.Memory(kind, network),
    ["by-hand", .. var networks] => ByHandTraining.Run(networks, Console.Out),
    ["distilled"] => Distillation.Run(Console.Out),
    ["kill"] => KillLoop.Run(10, 1),
    ["train-to-end", var checkpoint, var result] => KillLoop.Train(checkpoint, result),
    ["quantized", .. var networks] => QuantizationAware.Run(networks, Console.Out),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Usage: Tersor.TrainingTables scratch [network ...] | by-hand [network ...] | speed [network ...] | kill | quantized [network ...] [bits ...] | distilled");
    return 2;
}
