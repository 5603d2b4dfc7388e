using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Training;

/// <summary>
/// Muon (momentum, orthogonalised by Newton-Schulz, scaled to AdamW's step size) for the projection matrices and
/// AdamW for embeddings, norms and biases; decoupled decay on matrices only. Matrices of one shape step together.
/// </summary>
public sealed class Optimizer
{
    private const double Momentum = 0.95, Beta1 = 0.9, Beta2 = 0.97, Epsilon = 1e-8;
    private const int NewtonSchulzSteps = 5;

    private readonly double _weightDecay;
    private readonly List<(Parameter[] Matrices, Tensor Velocity)> _stacks = [];
    private readonly List<(string Name, Parameter Value, Tensor Mean, Tensor Square)> _others = [];
    private long _step;

    public Optimizer(IEnumerable<(string Name, Parameter Value)> weights, double weightDecay = 0.1)
    {
        _weightDecay = weightDecay;
        var all = weights.ToList();
        foreach (var shape in all.Where(w => IsProjection(w.Name)).GroupBy(w => (w.Value.shape[0], w.Value.shape[1])))
            _stacks.Add(([.. shape.Select(w => w.Value)], zeros(shape.Count(), shape.Key.Item1, shape.Key.Item2)));
        foreach (var (name, value) in all.Where(w => !IsProjection(w.Name)))
            _others.Add((name, value, zeros_like(value), zeros_like(value)));
    }

    public void Step(double rate)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        _step++;
        foreach (var (matrices, velocity) in _stacks)
        {
            var gradient = stack(matrices.Select(m => m.grad!));
            velocity.mul_(Momentum).add_(gradient);
            var update = Orthogonal(gradient.add_(velocity, alpha: Momentum));
            // The root-mean-square of an AdamW update is about 0.2; an orthogonal matrix has 1/√(longer side).
            update.mul_(-rate * 0.2 * Math.Sqrt(Math.Max(update.shape[1], update.shape[2])));
            for (var i = 0; i < matrices.Length; i++)
                matrices[i].mul_(1 - rate * _weightDecay).add_(update[i]);
        }
        double correction1 = 1 - Math.Pow(Beta1, _step), correction2 = 1 - Math.Pow(Beta2, _step);
        foreach (var (_, value, mean, square) in _others)
        {
            var gradient = value.grad!;
            mean.mul_(Beta1).add_(gradient, alpha: 1 - Beta1);
            square.mul_(Beta2).addcmul_(gradient, gradient, value: 1 - Beta2);
            if (value.dim() > 1)
                value.mul_(1 - rate * _weightDecay);
            value.addcdiv_(mean, (square / correction2).sqrt_().add_(Epsilon), value: -rate / correction1);
        }
    }

    /// <summary>Everything a resumed run needs besides the weights.</summary>
    public IEnumerable<(string Name, Tensor Value)> State() =>
    [
        ("step", tensor(new[] { _step })),
        .. _stacks.Select((s, i) => ($"velocity.{i}", s.Velocity)),
        .. _others.SelectMany(o => new[] { ("mean." + o.Name, o.Mean), ("square." + o.Name, o.Square) }),
    ];

    public void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        using var _ = no_grad();
        _step = state["step"].data<long>()[0];
        foreach (var (name, value) in State().Skip(1))
            value.copy_(state[name]);
    }

    private static bool IsProjection(string name) => name.EndsWith("_proj.weight", StringComparison.Ordinal);

    /// <summary>[n, rows, columns] to the nearest semi-orthogonal matrices, roughly: singular values end between 0.7 and 1.2.</summary>
    private static Tensor Orthogonal(Tensor gradient)
    {
        var tall = gradient.shape[1] > gradient.shape[2];
        var x = tall ? gradient.transpose(1, 2) : gradient;
        x = (x / (x.square().sum([1, 2], keepdim: true).sqrt() + 1e-7)).to(ScalarType.BFloat16);
        for (var i = 0; i < NewtonSchulzSteps; i++)
        {
            var a = x.bmm(x.transpose(1, 2));
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a.bmm(a)).bmm(x);
        }
        return (tall ? x.transpose(1, 2) : x).to(ScalarType.Float32);
    }
}
