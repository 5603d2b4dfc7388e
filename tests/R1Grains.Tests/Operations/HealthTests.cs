using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using R1Grains.Engine;
using R1Grains.Engine.Tests.Scripted;
using R1Grains.Operations;
using R1Grains.Tests.Gateway;
using R1Grains.Tests.Scripted;
using Serving = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace R1Grains.Tests.Operations;

public sealed class HealthTests
{
    [Theory]
    [InlineData("")]
    [InlineData("r1grains.v1.ConversationService")]
    [InlineData("r1grains.v1.TurnService")]
    [InlineData("r1grains.v1.TranscriptService")]
    public async Task Every_service_is_serving_once_started_and_not_serving_before_anything_stops(string service)
    {
        await using var host = await EmbeddedHost.Start();
        var health = new Health.HealthClient(host.Channel);
        Assert.Equal(Serving.Serving, (await health.CheckAsync(new() { Service = service })).Status);

        var end = new TaskCompletionSource<int>();
        var running = host.App.Services.GetRequiredService<Drain>().Serve(CancellationToken.None, _ => end.Task);
        var stopping = host.App.StopAsync();
        Assert.Equal(Serving.NotServing, (await health.CheckAsync(new() { Service = service })).Status);
        Assert.False(stopping.IsCompleted);
        end.SetResult(0);
        await running;
        await stopping;
    }

    [Theory]
    [InlineData("")]
    [InlineData("r1grains.v1.TurnService")]
    public async Task An_engine_that_ended_by_a_defect_is_not_serving(string service)
    {
        var alarms = new LoggedAlarms();
        await using var host = await EmbeddedHost.Start(configure: builder =>
        {
            builder.Logging.AddProvider(alarms);
            builder.Services.AddSingleton(provider =>
            {
                var model = ScriptedModel.Create();
                // What the engine does not expect of a runner: a failed run would fail its turns alone.
                var runner = new ScriptedRunner(model, (_, _) => throw new ArithmeticException("not a number"));
                return new InferenceEngine(model, runner, provider.GetRequiredService<Settings>().Engine, TimeProvider.System);
            });
        });
        var conversation = await host.Open();
        using var watch = new Health.HealthClient(host.Channel).Watch(new() { Service = service });
        Assert.Equal(Serving.Serving, (await watch.Next()).Status);
        using var turn = host.Say(conversation, "1");
        Assert.Equal(Serving.NotServing, (await watch.Next()).Status);
        Assert.Contains(alarms.Messages, message => message.StartsWith("The engine ended by a defect", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stopping_process_refuses_new_turns_and_says_when_to_retry()
    {
        await using var host = await EmbeddedHost.Start();
        var end = new TaskCompletionSource<int>();
        var running = host.App.Services.GetRequiredService<Drain>().Serve(CancellationToken.None, _ => end.Task);
        var stopping = host.App.StopAsync();

        using var call = host.Turns.StreamTurn(new() { Conversation = "tenants/demo/conversations/c", RequestId = "1", Input = new() { Text = "?" } });
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(default));
        Assert.Equal(StatusCode.Unavailable, error.StatusCode);
        Assert.Equal("NODE_DRAINING", error.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>().Reason);
        Assert.NotNull(error.GetRpcStatus()!.GetDetail<Google.Rpc.RetryInfo>());

        end.SetResult(0);
        await running;
        await stopping;
    }

    [Fact]
    public async Task Reflection_lists_the_contract()
    {
        await using var host = await EmbeddedHost.Start();
        using var call = new ServerReflection.ServerReflectionClient(host.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new() { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var services = call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name).ToArray();
        Assert.Superset(new HashSet<string> { "r1grains.v1.ConversationService", "r1grains.v1.TurnService", "r1grains.v1.TranscriptService", "grpc.health.v1.Health" }, services.ToHashSet());
        await call.RequestStream.CompleteAsync();
    }
}
