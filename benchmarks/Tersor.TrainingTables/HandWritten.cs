using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using F = TorchSharp.torch.nn.functional;

namespace Tersor.TrainingTables;

/// <summary>The reference classifiers written by hand in TorchSharp, operator for operator what the files hold, as somebody would who has no tool to train a file.</summary>
internal static class HandWritten
{
    /// <summary>A network by the name of its file, with random weights.</summary>
    public static Module<Tensor, Tensor> Create(string name) => name switch
    {
        "fmnist_lenet300" => Sequential(Flatten(), Linear(784, 300), ReLU(), Linear(300, 100), ReLU(), Linear(100, 10)),
        "fmnist_lenet5" => Sequential(Conv2d(1, 20, 5), MaxPool2d(2), Conv2d(20, 50, 5), MaxPool2d(2), Flatten(), Linear(800, 500), ReLU(), Linear(500, 10)),
        "fmnist_cnn" => Sequential([.. Normalized(1, 32), .. Normalized(32, 32), MaxPool2d(2), .. Normalized(32, 64), MaxPool2d(2), .. Normalized(64, 64), AdaptiveAvgPool2d(1), Flatten(), Linear(64, 10)]),
        "fmnist_resnet" => Sequential(Convolution(1, 32, 3, 2), ReLU(), new Residual(32, 32, 1), new Residual(32, 64, 2), new Residual(64, 64, 1), new Residual(64, 128, 2), AdaptiveAvgPool2d(1), Flatten(), Linear(128, 10)),
        "fmnist_mobilenet" => Sequential(Convolution(1, 24, 3, 2), Hardswish(), new Inverted(24, 96, 24, 1), new Inverted(24, 96, 40, 2), new Inverted(40, 160, 40, 1), new Inverted(40, 160, 64, 2), Convolution(64, 256, 1), Hardswish(), AdaptiveAvgPool2d(1), Flatten(), Linear(256, 10)),
        "fmnist_vit" => new Transformer(),
        "fmnist_lstm" => new RowReader(),
        _ => throw new ArgumentException($"{name} was not written by hand.", nameof(name)),
    };

    private static Conv2d Convolution(long from, long to, long kernel, long stride = 1, long groups = 1) => Conv2d(from, to, kernel, stride: stride, padding: kernel / 2, groups: groups);

    private static Module<Tensor, Tensor>[] Normalized(long from, long to) => [Conv2d(from, to, 3, padding: 1, bias: false), BatchNorm2d(to), ReLU()];

    /// <summary>Two convolutions around which their input goes.</summary>
    private sealed class Residual : Module<Tensor, Tensor>
    {
        private readonly Conv2d a, b;
        private readonly Conv2d? down;

        public Residual(long from, long to, long stride) : base(nameof(Residual))
        {
            (a, b) = (Convolution(from, to, 3, stride), Convolution(to, to, 3));
            down = from == to && stride == 1 ? null : Convolution(from, to, 1, stride);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => F.relu(b.forward(F.relu(a.forward(x))) + (down is null ? x : down.forward(x)));
    }

    /// <summary>Wide, depthwise, gated by its mean, narrow.</summary>
    private sealed class Inverted : Module<Tensor, Tensor>
    {
        private readonly Conv2d expand, depthwise, squeeze, excite, project;
        private readonly bool around;

        public Inverted(long from, long wide, long to, long stride) : base(nameof(Inverted))
        {
            long hidden = wide / 4;
            (expand, depthwise, squeeze, excite, project) = (Convolution(from, wide, 1), Convolution(wide, wide, 3, stride, wide), Convolution(wide, hidden, 1), Convolution(hidden, wide, 1), Convolution(wide, to, 1));
            around = from == to && stride == 1;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            Tensor y = F.hardswish(depthwise.forward(F.hardswish(expand.forward(x))));
            Tensor gate = F.hardsigmoid(excite.forward(F.relu(squeeze.forward(y.mean([2, 3], keepdim: true)))));
            y = project.forward(y * gate);
            return around ? x + y : y;
        }
    }

    private sealed class Transformer : Module<Tensor, Tensor>
    {
        private readonly Conv2d patches = Conv2d(1, 96, 4, stride: 4);
        private readonly Parameter first = Parameter(zeros(1, 1, 96)), places = Parameter(randn(1, 50, 96) * 0.02);
        private readonly ModuleList<Block> blocks = new([.. Enumerable.Range(0, 4).Select(_ => new Block())]);
        private readonly LayerNorm last = LayerNorm(96);
        private readonly Linear head = Linear(96, 10);

        public Transformer() : base(nameof(Transformer)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            Tensor y = patches.forward(x).flatten(2).transpose(1, 2);
            y = cat([first.expand(x.shape[0], -1, -1), y], 1) + places;
            foreach (Block block in blocks)
                y = block.forward(y);
            return head.forward(last.forward(y).select(1, 0));
        }
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly LayerNorm n1 = LayerNorm(96), n2 = LayerNorm(96);
        private readonly Linear qkv = Linear(96, 288), o = Linear(96, 96), up = Linear(96, 384), down = Linear(384, 96);

        public Block() : base(nameof(Block)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            Tensor[] heads = qkv.forward(n1.forward(x)).reshape(x.shape[0], x.shape[1], 3, 4, 24).permute(2, 0, 3, 1, 4).unbind(0);
            Tensor attention = (heads[0].matmul(heads[1].transpose(2, 3)) * Math.Pow(24, -0.5)).softmax(-1).matmul(heads[2]);
            x = x + o.forward(attention.transpose(1, 2).reshape(x.shape));
            return x + down.forward(F.gelu(up.forward(n2.forward(x))));
        }
    }

    /// <summary>The rows of an image, one after the other.</summary>
    private sealed class RowReader : Module<Tensor, Tensor>
    {
        private readonly LSTM r = LSTM(28, 128, numLayers: 2, batchFirst: true, bidirectional: true);
        private readonly Linear head = Linear(256, 10);

        public RowReader() : base(nameof(RowReader)) => RegisterComponents();

        public override Tensor forward(Tensor x) => head.forward(r.forward(x.squeeze(1)).Item1.mean([1]));
    }
}
