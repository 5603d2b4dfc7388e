using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Access;
using R1Grains.Tests.Gateway;

namespace R1Grains.Tests.Access;

public sealed class PermissionTests
{
    [Fact]
    public async Task Every_method_asks_a_permission()
    {
        await using var host = await EmbeddedHost.Start();
        var asked = new HashSet<string>();
        foreach (var method in ContractWalk.Methods)
        {
            var error = await ContractWalk.Refused(host.Channel, method, host.Bearer("demo", "nobody"));
            Assert.True(error.StatusCode is StatusCode.PermissionDenied, $"{method.FullName} asks no permission: {error.Status}");
            var info = error.GetRpcStatus()!.GetDetail<ErrorInfo>();
            Assert.Equal("PERMISSION_DENIED", info.Reason);
            asked.Add(info.Metadata["permission"]);
        }
        Assert.Equal(PermissionSet.All.Except([Permission.ReadTranscripts]).Select(p => p.Name()).Order(), asked.Order());
    }

    [Fact]
    public async Task Every_method_answers_a_foreign_name_as_missing()
    {
        await using var host = await EmbeddedHost.Start();
        foreach (var method in ContractWalk.Methods)
        {
            var error = await ContractWalk.Refused(host.Channel, method, host.Bearer("other", "anna", PermissionSet.All));
            Assert.True(error.StatusCode is StatusCode.NotFound, $"{method.FullName}: {error.Status}");
        }
    }

    [Fact]
    public async Task Every_method_needs_a_token_where_no_local_caller_is_trusted()
    {
        await using var host = await EmbeddedHost.Start(configure: builder => builder.Services.AddSingleton(new Callers(local: null)));
        foreach (var method in ContractWalk.Methods)
        {
            var error = await ContractWalk.Refused(host.Channel, method, []);
            Assert.True(error.StatusCode is StatusCode.Unauthenticated, $"{method.FullName}: {error.Status}");
            Assert.Equal("UNAUTHENTICATED", error.GetRpcStatus()!.GetDetail<ErrorInfo>().Reason);
        }
    }
}
