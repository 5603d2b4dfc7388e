using R1Grains.Tuning.Qwen2;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Training;

/// <summary>One optimisation step and one validation pass; knows neither files nor time.</summary>
public sealed class Trainer(Qwen2Model model, Optimizer optimizer)
{
    private const double GradientNormMax = 1.0;

    private readonly Parameter[] _parameters = [.. model.parameters()];

    /// <returns>The mean loss of the supervised tokens before the step, nats.</returns>
    public double Step(IReadOnlyList<Sample> samples, double rate)
    {
        using var scope = NewDisposeScope();
        using var batch = new Batch(samples);
        model.zero_grad();
        var loss = nn.functional.cross_entropy(Logits(batch), batch.Targets);
        loss.backward();
        nn.utils.clip_grad_norm_(_parameters, GradientNormMax);
        optimizer.Step(rate);
        return loss.item<float>();
    }

    /// <summary>Loss and next-token accuracy of the supervised tokens, accuracy also over those in <paramref name="figures"/> alone.</summary>
    /// <param name="figures">Ids of the digit tokens: a wrong digit is what a customer would notice.</param>
    public Fit Validate(IReadOnlyList<Sample> samples, int tokensPerStep, IReadOnlySet<int> figures)
    {
        using var _ = no_grad();
        double sum = 0, tokens = 0, right = 0, digits = 0, digitsRight = 0;
        foreach (var indexes in new BatchPlan(samples, tokensPerStep, seed: 0).Epoch(0))
        {
            using var scope = NewDisposeScope();
            using var batch = new Batch([.. indexes.Select(i => samples[i])]);
            var logits = Logits(batch);
            sum += nn.functional.cross_entropy(logits, batch.Targets, reduction: nn.Reduction.Sum).item<float>();
            var chosen = logits.argmax(-1).data<long>().ToArray();
            var targets = batch.Targets.data<long>().ToArray();
            for (var i = 0; i < targets.Length; i++)
            {
                var (hit, digit) = (chosen[i] == targets[i] ? 1 : 0, figures.Contains((int)targets[i]) ? 1 : 0);
                (tokens, right, digits, digitsRight) = (tokens + 1, right + hit, digits + digit, digitsRight + hit * digit);
            }
        }
        return new(sum / tokens, right / tokens, digitsRight / Math.Max(1, digits));
    }

    // The head sees supervised positions only: it would otherwise cost as much as the layers.
    private Tensor Logits(Batch batch) =>
        model.Logits(model.forward(batch.Inputs).flatten(0, 1).index_select(0, batch.Positions));
}

/// <param name="Loss">Mean over supervised tokens, nats.</param>
/// <param name="Accuracy">Share of supervised tokens that are the most likely next token.</param>
/// <param name="FigureAccuracy">The same for digits only.</param>
public sealed record Fit(double Loss, double Accuracy, double FigureAccuracy);
