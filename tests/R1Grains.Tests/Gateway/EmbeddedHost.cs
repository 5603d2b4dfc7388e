using System.Collections.Frozen;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using R1Grains.Access;
using R1Grains.Ledger;
using R1Grains.Tests.Scripted;
using R1Grains.V1;

namespace R1Grains.Tests.Gateway;

/// <summary>A whole process on a free loopback port, with a data folder of its own.</summary>
internal sealed class EmbeddedHost : IAsyncDisposable
{
    private readonly DirectoryInfo _data;

    private EmbeddedHost(WebApplication app, DirectoryInfo data)
    {
        (App, _data) = (app, data);
        Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Channel = GrpcChannel.ForAddress(Address);
    }

    public WebApplication App { get; }

    public string Address { get; }

    public GrpcChannel Channel { get; }

    public string Data => _data.FullName;

    public ConversationService.ConversationServiceClient Conversations => new(Channel);

    public TurnService.TurnServiceClient Turns => new(Channel);

    public TranscriptService.TranscriptServiceClient Transcripts => new(Channel);

    public AccessService.AccessServiceClient Access => new(Channel);

    public TenantService.TenantServiceClient Tenants => new(Channel);

    public KeyService.KeyServiceClient Keys => new(Channel);

    public IRegistry Registry => App.Services.GetRequiredService<IRegistry>();

    public GuardrailService.GuardrailServiceClient Guardrail => new(Channel);

    public static async Task<EmbeddedHost> Start(Script? script = null, Action<WebApplicationBuilder>? configure = null, params string[] settings)
    {
        var data = Directory.CreateTempSubdirectory("r1grains-");
        var app = R1Host.Build([$"--R1:Data={data.FullName}", "--R1:Listen=127.0.0.1:0", .. settings], builder =>
        {
            (script ?? new()).Configure(builder);
            configure?.Invoke(builder);
        });
        await app.StartAsync();
        return new(app, data);
    }

    /// <summary>Metadata with a token of the development issuer.</summary>
    public Metadata Bearer(string tenant, string subject, params IEnumerable<Permission> permissions)
    {
        var issuer = App.Services.GetRequiredService<DevelopmentIssuer>();
        var token = issuer.Issue(new(tenant, subject, permissions.ToFrozenSet()), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5));
        return new() { { "authorization", $"Bearer {token}" } };
    }

    /// <summary>As <see cref="Bearer(string, string, IEnumerable{Permission})"/>, of somebody with these roles alone.</summary>
    public Metadata Appointed(string tenant, string subject, params string[] roles)
    {
        var issuer = App.Services.GetRequiredService<DevelopmentIssuer>();
        var token = issuer.Issue(new(tenant, subject, FrozenSet<Permission>.Empty), TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(5), roles);
        return new() { { "authorization", $"Bearer {token}" } };
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
        _data.Delete(recursive: true);
    }
}
