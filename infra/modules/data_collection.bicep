// The way into the tables: data collection endpoint, rule, and who may send.

@description('Azure region. Endpoint and rule must be in the region of the workspace.')
param location string

@description('Name of the Log Analytics workspace that holds the tables.')
param workspaceName string

@description('Name of the data collection endpoint.')
param endpointName string

@description('Name of the data collection rule.')
param ruleName string

@description('The tables, as infra/tables/*.json defines them: states, results, runs, verdicts, events, audit. They must exist.')
param definitions object

@description('Name of the worker\'s identity: the only one that may send rows.')
param workerIdentityName string

@description('True: rows are accepted from the private endpoint only.')
param privateNetworking bool

@description('Tags of every resource.')
param tags object

var roles = loadJsonContent('../well_known_ids.json').roles

// The rule spells types in lower case (datetime), the table does not (dateTime).
var statesColumns = [for column in definitions.states.columns: {
  name: column.name
  type: toLower(column.type)
}]
var resultsColumns = [for column in definitions.results.columns: {
  name: column.name
  type: toLower(column.type)
}]
var runsColumns = [for column in definitions.runs.columns: {
  name: column.name
  type: toLower(column.type)
}]
var verdictsColumns = [for column in definitions.verdicts.columns: {
  name: column.name
  type: toLower(column.type)
}]
var eventsColumns = [for column in definitions.events.columns: {
  name: column.name
  type: toLower(column.type)
}]

var auditColumns = [for column in definitions.audit.columns: {
  name: column.name
  type: toLower(column.type)
}]

// Who wrote an audit row is said by the rule that takes it, whatever the sender wrote there.
var transformations = {
  audit: 'source | extend Writer = "worker"'
}

resource workerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = {
  name: workerIdentityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = {
  name: endpointName
  location: location
  tags: tags
  properties: {
    networkAcls: {
      publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    }
  }
}

resource rule 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  tags: tags
  properties: {
    dataCollectionEndpointId: endpoint.id
    streamDeclarations: {
      'Custom-${definitions.states.name}': {
        columns: statesColumns
      }
      'Custom-${definitions.results.name}': {
        columns: resultsColumns
      }
      'Custom-${definitions.runs.name}': {
        columns: runsColumns
      }
      'Custom-${definitions.verdicts.name}': {
        columns: verdictsColumns
      }
      'Custom-${definitions.events.name}': {
        columns: eventsColumns
      }
      'Custom-${definitions.audit.name}': {
        columns: auditColumns
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
    dataFlows: [for definition in items(definitions): {
      streams: [
        'Custom-${definition.value.name}'
      ]
      destinations: [
        'workspace'
      ]
      transformKql: contains(transformations, definition.key) ? transformations[definition.key] : 'source'
      outputStream: 'Custom-${definition.value.name}'
    }]
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

resource workerSendsRows 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: rule
  name: guid(rule.id, workerIdentity.id, roles.monitoringMetricsPublisher.id)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher.id)
    principalId: workerIdentity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
