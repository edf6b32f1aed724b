// The api's own way into the audit table, and into no other: a data collection rule with one stream.

@description('Azure region. The rule must be in the region of the workspace.')
param location string

@description('Name of the Log Analytics workspace that holds the table. It must exist.')
param workspaceName string

@description('Name of the data collection endpoint.')
param endpointName string

@description('Name of the data collection rule.')
param ruleName string

@description('Name of the api\'s identity: the only one that may send rows through this rule.')
param identityName string

@description('Tags of every resource.')
param tags object

var roles = loadJsonContent('../well_known_ids.json').roles
var definition = loadJsonContent('../tables/ManagedApplicationAudit_CL.json')

// The rule spells types in lower case (datetime), the table does not (dateTime).
var columns = [for column in definition.columns: {
  name: column.name
  type: toLower(column.type)
}]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: identityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' existing = {
  name: endpointName
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  tags: tags
  properties: {
    dataCollectionEndpointId: endpoint.id
    streamDeclarations: {
      'Custom-${definition.name}': {
        columns: columns
      }
    }
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspace.id
        }
      ]
    }
    dataFlows: [
      {
        streams: [
          'Custom-${definition.name}'
        ]
        destinations: [
          'workspace'
        ]
        // Whatever the sender wrote there.
        transformKql: 'source | extend Writer = "api"'
        outputStream: 'Custom-${definition.name}'
      }
    ]
  }
}

// A 204 does not mean stored: what the rule drops afterwards is only told in DCRLogErrors.
resource ruleDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: rule
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

resource apiSendsRows 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: rule
  name: guid(rule.id, identity.id, roles.monitoringMetricsPublisher.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher.id)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
