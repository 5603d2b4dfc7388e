using System.Reflection;
using R1Grains.Engine;
using R1Grains.Inference;

namespace R1Grains.Tests.Inference;

public sealed class InferenceRouterTests
{
    private static readonly GenerationRequest Request = new() { Id = "x", Scope = "tenant", Prompt = [1, 2], Sampling = new() };

    [Fact]
    public async Task A_conversation_stays_on_the_device_that_holds_it() =>
        Assert.Equal("s/1", await Chosen(holder: "s/1", ("s/0", 0), ("s/1", 9)));

    [Fact]
    public async Task A_conversation_without_a_device_goes_to_the_less_loaded_of_two()
    {
        for (var i = 0; i < 20; i++) Assert.Equal("s/1", await Chosen(null, ("s/0", 5), ("s/1", 4)));
    }

    [Fact]
    public async Task A_device_that_is_gone_is_replaced() => Assert.Equal("s/0", await Chosen("gone/0", ("s/0", 5)));

    private static async Task<string> Chosen(string? holder, params (string Device, int Load)[] devices)
    {
        var grains = DispatchProxy.Create<IGrainFactory, Grains>();
        ((Grains)grains).Loads = devices.ToDictionary(device => device.Device, device => device.Load);
        using var generation = await new InferenceRouter(grains, [.. devices.Select(device => device.Device)], TimeProvider.System).Submit(Request, holder);
        return generation.Device;
    }

    /// <summary>Hands out devices that only know their load.</summary>
    public class Grains : DispatchProxy
    {
        public Dictionary<string, int> Loads { get; set; } = [];

        protected override object? Invoke(MethodInfo? method, object?[]? arguments)
        {
            var device = DispatchProxy.Create<IInferenceGrain, Device>();
            ((Device)device).Load = Loads[(string)arguments![0]!];
            return device;
        }
    }

    public class Device : DispatchProxy
    {
        public int Load { get; set; }

        protected override object? Invoke(MethodInfo? method, object?[]? arguments) =>
            method!.Name == nameof(IInferenceGrain.GetLoad) ? Task.FromResult(Load) : AsyncEnumerable.Empty<Emission>();
    }
}
